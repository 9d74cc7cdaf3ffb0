from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from goldsmith.machines.runs import Run, sweep

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from goldsmith.machines.runs import Run
with Run(Path(sys.argv[1])) as run:
    print(run.path, flush=True)
    sys.stdin.read()
"""


def test_a_run_leaves_nothing(tmp_path: Path) -> None:
    with Run(tmp_path / "runs") as run:
        (run.path / "overlay").write_text("x")
        assert run.path.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_short_name_holds_a_socket_however_deep_the_folder_is(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with Run(deep) as run, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(run.short / "socket"))
        assert (run.path / "socket").is_socket()


def test_only_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    with Run(tmp_path) as mine:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with child:
            assert child.stdout is not None
            theirs = child.stdout.readline().strip()
            assert sweep(tmp_path) == []
            child.send_signal(signal.SIGKILL)
        assert [str(path) for path in sweep(tmp_path)] == [theirs]
        assert mine.path.exists()
    assert list(tmp_path.iterdir()) == []
