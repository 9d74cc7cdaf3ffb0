from __future__ import annotations

import pytest

from goldsmith.pipelines.home import Home


@pytest.fixture(scope="session")
def kept(home, cache):
    """A home whose layers the tests of this room share; its packages outlive a run."""
    made = Home(home / "builds")
    made.path.mkdir(mode=0o711)
    (cache / "packages").mkdir(exist_ok=True)
    made.packages.symlink_to(cache / "packages")
    return made
