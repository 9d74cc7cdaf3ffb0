from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from goldsmith.catalog.images import ImageStore
from goldsmith.guests.workspace import Workspace
from goldsmith.trees.layers import LayerKey, LayerStore

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Goldsmith

DAY = 86400


def aged(path: Path, days: float) -> Path:
    when = time.time() - days * DAY
    os.utime(path, (when, when))
    return path


def test_an_empty_home_has_nothing_to_free(goldsmith: Goldsmith) -> None:
    done = goldsmith("gc")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Freed 0 B: 0 layers and 0 packages unused for 30 days.\n"


def test_what_is_older_than_asked_goes_and_the_rest_stays(goldsmith: Goldsmith) -> None:
    packages, failed = goldsmith.home / "packages", goldsmith.home / "failed"
    for folder in (packages, failed / "old", failed / "new"):
        folder.mkdir(parents=True)
    (packages / "old").write_bytes(bytes(2048))
    (packages / "new").write_bytes(bytes(512))
    (failed / "old" / "console.log").touch()
    for path in (packages / "old", failed / "old"):
        aged(path, 8)
    done = goldsmith("gc", "--days", "7", "--json")
    assert json.loads(done.stdout) == {
        "layers": [],
        "packages": 1,
        "logs": [str(failed / "old")],
        "leftovers": [],
        "blocks": {},
        "bytes": 2048,
    }
    assert [path.name for path in packages.iterdir()] == ["new"]
    assert [path.name for path in failed.iterdir()] == ["new"]


@pytest.mark.sandbox
def test_an_old_layer_goes_by_its_title(goldsmith: Goldsmith) -> None:
    store = LayerStore(goldsmith.home / "layers")
    for title in ("old", "new"):
        with Workspace(goldsmith.home, memory=1 << 24) as workspace:
            made = workspace.path / "made"
            workspace.run(["mkdir", str(made)])
            store.save(workspace, LayerKey(title, {"title": title}), made, {})
    aged(store.folder / LayerKey("old", {"title": "old"}).digest, 31)
    assert "removed the layer of old (" in goldsmith("gc").stdout
    assert [path.name for path in store.folder.iterdir()] == [LayerKey("new", {"title": "new"}).digest]


def test_a_draft_in_the_making_is_not_touched(goldsmith: Goldsmith) -> None:
    with ImageStore(goldsmith.home / "images").draft() as draft:
        assert "removed" not in goldsmith("gc", "--days", "0").stdout
        assert draft.is_dir()
