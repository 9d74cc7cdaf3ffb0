from __future__ import annotations

import pytest

from .running import Bench, Effects, SmallWorld


@pytest.fixture
def bench(tmp_path):
    world = SmallWorld(tmp_path)
    yield Bench(world, Effects(tmp_path / "effects"))
    world.close()
