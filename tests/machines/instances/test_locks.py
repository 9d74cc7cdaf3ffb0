from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from goldsmith.machines.instances.locks import await_free, held, is_held, take

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_is_held_by_one_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    lock = take(path, patience=0)
    assert lock is not None
    assert is_held(path)
    assert take(path, patience=0) is None
    assert not await_free(path, patience=0)
    os.close(lock)
    assert not is_held(path)
    assert await_free(path, patience=0)


def test_a_child_that_inherits_a_lock_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = take(path, patience=0)
    assert lock is not None
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock]) as child:
        os.close(lock)
        assert is_held(path)
        child.communicate()
    assert not is_held(path)


def test_looking_does_not_keep_others_from_looking(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path):
        assert is_held(path)
    assert not is_held(path)
