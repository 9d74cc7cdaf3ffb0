from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goldsmith.guests import namespaces
from goldsmith.guests.namespaces import IdMap, NoSubordinateIdsError, id_map

if TYPE_CHECKING:
    from collections.abc import Callable

HANG = """
import os, sys, time
from pathlib import Path
from goldsmith.guests.workspace import Workspace
def hang(note):
    os.write(1, b"inside\\n")
    time.sleep(1000)
with Workspace(Path(sys.argv[1]), memory=1 << 20) as workspace:
    workspace.call(hang, None)
"""


def test_root_gets_none_of_the_host_s_ids() -> None:
    for _, first, count in id_map("uid", user=0).lines:
        assert first >= 65536
        assert count == 65536


def test_root_keeps_its_range_when_a_package_grants_it_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "_subordinate", lambda file, uid: None)
    before = id_map("uid", user=0)
    monkeypatch.setattr(namespaces, "_subordinate", lambda file, uid: (1000000, 1000000000))
    assert id_map("uid", user=0) == before


def test_root_of_a_container_with_few_ids_takes_what_it_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "_subordinate", lambda file, uid: (65536, 65536))
    monkeypatch.setattr(namespaces, "_exist", lambda kind, first: False)
    assert id_map("uid", user=0) == IdMap(((0, 65536, 65536),))


def test_an_ordinary_user_is_the_root_and_its_range_is_everybody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "_subordinate", lambda file, uid: (100000, 65536))
    assert id_map("uid", user=1234) == IdMap(((0, 1234, 1), (1, 100000, 65535)))


def test_a_user_without_a_range_is_told_the_command() -> None:
    nobody = 65534
    with pytest.raises(NoSubordinateIdsError, match="no range") as refused:
        id_map("uid", user=nobody)
    assert "usermod --add-subuids" in refused.value.mend


def test_the_largest_range_is_taken_and_nonsense_is_not(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text("77:1:10\n# words\n77:x:y\n77:200000:65536\nother:9:99999999\n\n77\n")
    assert namespaces._subordinate(file, 77) == (200000, 65536)
    assert namespaces._subordinate(tmp_path / "none", 77) is None


@pytest.mark.sandbox
def test_a_function_inside_ends_with_the_process_that_called_it(home: Path, gone: Callable[[int], bool]) -> None:
    caller = subprocess.Popen([sys.executable, "-c", HANG, str(home)], stdout=subprocess.PIPE, text=True)
    assert caller.stdout
    assert caller.stdout.readline() == "inside\n"
    children = Path(f"/proc/{caller.pid}/task/{caller.pid}/children").read_text().split()
    inside = [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().startswith("python")]
    assert inside
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert all(gone(pid) for pid in inside)
