from __future__ import annotations

import json
import os
import stat
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.guests.workspace import Workspace, WorkspaceError
from goldsmith.trees.layers import LayerKey, LayerStore, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = st.dictionaries(st.text(min_size=1), st.text(), max_size=5)

LOOK = r"""
find . -type d -printf '%P|%m|%U:%G|%T@\0' -o -printf '%P|%y|%m|%U:%G|%s|%T@|%l|%n\0' | sort -z
find . -type c -exec stat -c '%n %t:%T' {} +
getcap -r .; perl -e 'for ("opaque", "file") { my $f = $_; my $v = "\0" x 64; my $a = $f eq "opaque" ? "user.overlay.opaque" : "user.note";
  my $n = syscall(191, $f, $a, $v, 64, 0); print "$f=", substr($v, 0, $n), "\n" }'
"""

ODD = r"""
set -e
mkdir -p opaque "sp ace"; echo words >file; chown 33:44 file; chmod 6751 file
ln file "hard link"; ln -s /etc/passwd link; ln -s ../../.. up
printf x >"$(printf 'new\nline \377 *?')"; printf x >./-rf; mknod gone c 0 0; mkfifo pipe
truncate -s 5M sparse; cp /bin/true capable; setcap cap_net_raw+ep capable
touch -d @1.5 file; mkdir -m 000 shut
perl -e '@a = ("opaque", "user.overlay.opaque", "y"); @b = ("file", "user.note", "kept"); \
  exit(syscall(188, @a, 1, 0) || syscall(188, @b, 4, 0))'
"""


@pytest.fixture
def store(home: Path, workspace: Workspace) -> Iterator[LayerStore]:
    made = LayerStore(Path(tempfile.mkdtemp(dir=home)) / "layers")
    made.folder.parent.chmod(0o711)
    yield made
    made.close()
    made.collect(workspace, older_than=float("inf"))


def save(store: LayerStore, workspace: Workspace, key: LayerKey) -> None:
    workspace.run(["sh", "-c", "mkdir -p source; head -c 1M /dev/urandom >source/file"])
    store.save(workspace, key, workspace.path / "source", {})


@pytest.mark.sandbox
def test_a_layer_comes_back_as_it_was(workspace: Workspace, store: LayerStore) -> None:
    key, source = LayerKey("step", {"a": "b"}), workspace.path / "source"
    workspace.run(["mkdir", "source"])
    workspace.run(["bash", "-c", ODD], cwd=source)
    store.save(workspace, key, source, {"fact": [1]})
    found = store.find(key, workspace)
    assert found is not None
    assert found.facts == {"fact": [1]}
    was, came = (workspace.run(["bash", "-c", LOOK], cwd=folder).stdout for folder in (source, store.tree(found)))
    assert came == was
    assert b"opaque=y\nfile=kept" in was
    assert b"cap_net_raw" in was
    assert b"./gone 0:0" in was


@pytest.mark.sandbox
def test_a_layer_that_could_not_be_saved_is_none(workspace: Workspace, store: LayerStore) -> None:
    key = LayerKey("step", {"a": "b"})
    with pytest.raises(WorkspaceError):
        store.save(workspace, key, workspace.path / "missing", {})
    assert store.find(key, workspace) is None
    assert not list(store.folder.iterdir())


@pytest.mark.sandbox
def test_two_saves_at_once_leave_one_whole_layer(workspace: Workspace, store: LayerStore) -> None:
    key = LayerKey("step", {"a": "b"})
    workspace.run(["sh", "-c", "mkdir source; head -c 3M /dev/urandom >source/file"])
    saves = [
        threading.Thread(target=store.save, args=(workspace, key, workspace.path / "source", {})) for _ in range(4)
    ]
    for save in saves:
        save.start()
    for save in saves:
        save.join()
    found = store.find(key, workspace)
    assert found is not None
    assert workspace.run(["cmp", "source/file", str(store.tree(found) / "file")]).exit_code == 0
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.sandbox
@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": 1}', "null"])
def test_a_damaged_layer_is_not_found_and_collected(workspace: Workspace, store: LayerStore, text: str) -> None:
    key = LayerKey("step", {"a": "b"})
    save(store, workspace, key)
    (record,) = store.folder.glob("*/layer.json")
    record.write_text(text)
    assert store.find(key, workspace) is None
    assert store.reason_for_miss(key) == "never built before"
    save(store, workspace, key)
    assert store.find(key, workspace)
    record.write_text(text)
    assert LayerStore(store.folder).collect(workspace, older_than=0) == []
    store.close()
    assert store.collect(workspace, older_than=0) == []
    assert not list(store.folder.iterdir())


@pytest.mark.sandbox
def test_what_is_in_use_or_new_is_not_collected(workspace: Workspace, store: LayerStore) -> None:
    key, builder = LayerKey("step", {"a": "b"}), LayerStore(store.folder)
    save(store, workspace, key)
    assert store.collect(workspace, older_than=0) == []
    assert builder.find(key, workspace)
    assert store.collect(workspace, older_than=float("inf")) == []
    assert store.find(key, workspace)
    builder.close()
    store.close()
    ((title, size),) = store.collect(workspace, older_than=float("inf"))
    assert title == "step"
    assert size >= 1 << 20
    assert not list(store.folder.iterdir())
    assert store.find(key, workspace) is None


@pytest.mark.sandbox
def test_what_a_killed_build_left_is_collected_and_what_a_living_one_writes_is_not(
    workspace: Workspace, store: LayerStore
) -> None:
    with store.arriving(workspace) as arriving:
        workspace.run(["sh", "-c", "mkdir tree; echo x >tree/x; mknod tree/gone c 0 0"], cwd=arriving)
        store.collect(workspace, older_than=float("inf"))
        assert arriving.is_dir()
        left = store.folder / ".arriving-left"
        left.mkdir()
        workspace.own(left)
        workspace.run(["cp", "-a", str(arriving / "tree"), str(left)])
        (store.folder / "of-an-older-version.tar").write_bytes(b"x")
        assert store.collect(workspace, older_than=float("inf")) == []
        assert list(store.folder.iterdir()) == [arriving]
    assert not list(store.folder.iterdir())


@pytest.mark.sandbox
def test_a_layer_from_before_a_restart_is_measured(workspace: Workspace, store: LayerStore) -> None:
    key = LayerKey("step", {"a": "b"})
    save(store, workspace, key)
    (record,) = store.folder.glob("*/layer.json")

    def restart() -> None:
        record.write_text(json.dumps({**json.loads(record.read_text()), "boot": "an earlier one"}))

    restart()
    assert store.find(key, workspace)
    assert json.loads(record.read_text())["boot"] != "an earlier one"
    restart()
    workspace.run(["truncate", "--size=0", str(record.parent / "tree" / "file")])
    assert store.find(key, workspace) is None


@pytest.mark.sandbox
def test_facts_can_be_amended(workspace: Workspace, store: LayerStore) -> None:
    key = LayerKey("step", {"a": "b"})
    save(store, workspace, key)
    layer = store.find(key, workspace)
    assert layer
    store.amend(layer, {"more": ["\udcff"]})
    assert store.find(key, workspace) == replace(layer, facts={"more": ["\udcff"]})


@pytest.mark.sandbox
def test_nobody_but_a_workspace_enters_a_layer(workspace: Workspace, store: LayerStore) -> None:
    save(store, workspace, LayerKey("step", {"a": "b"}))
    (folder,) = store.folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid != 0 or os.getuid()


@given(PARTS, PARTS)
def test_keys_are_alike_exactly_when_their_parts_are(one: dict[str, str], other: dict[str, str]) -> None:
    shuffled = dict(reversed(one.items()))
    assert LayerKey("x", one).digest == LayerKey("y", shuffled).digest
    assert (LayerKey("x", one).digest == LayerKey("x", other).digest) == (one == other)


@given(PARTS, st.text(min_size=1), st.text(), st.text())
def test_a_difference_names_what_changed(parts: dict[str, str], name: str, old: str, new: str) -> None:
    key = LayerKey("x", {**parts, name: new})
    said = key.difference({**parts, name: old})
    assert said == (f"{name} changed" if old != new else "it was collected")


def test_a_digest_knows_types_and_not_order() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
