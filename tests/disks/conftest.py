from __future__ import annotations

from pathlib import Path

import pytest

from goldsmith.disks.boot import boot_files
from goldsmith.disks.plan import GIB, MIB, DiskPlan
from goldsmith.guests.workspace import Workspace

from . import sample_tree


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for parent in (home, *home.parents):
        if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
            parent.chmod(0o755)
    with Workspace(home, memory=GIB) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def plan():
    return DiskPlan.derive("a plan", sample_tree.EPOCH, 1024 * MIB)


@pytest.fixture(scope="session")
def tree(workspace, plan):
    """The sample tree with the files it needs to boot."""
    root = workspace.path / "sample"
    workspace.call(make_with_boot_files, root, boot_files(plan), 1)
    return root


def make_with_boot_files(root, files, seed):
    sample_tree.make(root, seed)
    for path, text in files.items():
        file = root / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    sample_tree.settle_times(root)
