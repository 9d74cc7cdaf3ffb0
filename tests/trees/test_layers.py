from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.guests.workspace import Workspace, WorkspaceError
from goldsmith.trees.layers import LayerKey, LayerStore, digest_of

if TYPE_CHECKING:
    from pathlib import Path

PARTS = st.dictionaries(st.text(min_size=1), st.text(), max_size=5)

LOOK = r"""
find . -printf '%P|%y|%m|%U:%G|%s|%T@|%l|%n\0' | sort -z
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


@pytest.mark.sandbox
def test_a_layer_comes_back_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    store, key, source = LayerStore(tmp_path), LayerKey("step", {"a": "b"}), workspace.path / "source"
    workspace.run(["mkdir", "source"])
    workspace.run(["bash", "-c", ODD], cwd=source)
    store.save(workspace, key, source, {"fact": [1]})
    found = store.find(key)
    assert found is not None
    assert found.facts == {"fact": [1]}
    store.restore(workspace, found, workspace.path / "copy")
    was, came = (workspace.run(["bash", "-c", LOOK], cwd=workspace.path / name).stdout for name in ("source", "copy"))
    assert came == was
    assert b"opaque=y\nfile=kept" in was
    assert b"cap_net_raw" in was
    assert b"./gone 0:0" in was


@pytest.mark.sandbox
def test_a_layer_that_could_not_be_saved_is_none(workspace: Workspace, tmp_path: Path) -> None:
    store, key = LayerStore(tmp_path), LayerKey("step", {"a": "b"})
    with pytest.raises(WorkspaceError):
        store.save(workspace, key, workspace.path / "missing", {})
    assert store.find(key) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.sandbox
def test_two_saves_at_once_leave_one_whole_layer(workspace: Workspace, tmp_path: Path) -> None:
    store, key = LayerStore(tmp_path), LayerKey("step", {"a": "b"})
    workspace.run(["sh", "-c", "mkdir source; head -c 3M /dev/urandom >source/file"])
    saves = [
        threading.Thread(target=store.save, args=(workspace, key, workspace.path / "source", {})) for _ in range(4)
    ]
    for save in saves:
        save.start()
    for save in saves:
        save.join()
    found = store.find(key)
    assert found is not None
    store.restore(workspace, found, workspace.path / "copy")
    assert workspace.run(["cmp", "source/file", "copy/file"]).exit_code == 0
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": 1}', "null"])
def test_a_half_written_layer_is_not_found_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    store, key = LayerStore(tmp_path), LayerKey("step", {"a": "b"})
    (tmp_path / f"{key.digest}.tar").write_bytes(b"x")
    assert store.find(key) is None
    (tmp_path / f"{key.digest}.json").write_text(text)
    assert store.find(key) is None
    assert store.reason_for_miss(key) == "never built before"
    store.collect(older_than=float("inf"))
    assert not list(tmp_path.iterdir())


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
