from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

from goldsmith.guests.bound import end, start_bound

START = """
import sys
from goldsmith.guests.bound import start_bound
print(start_bound(["sleep", "1000"]).pid, flush=True)
sys.stdin.read()
"""


def ended(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 30)[0])


def test_a_bound_process_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        bound = os.pidfd_open(number)
        while Path(f"/proc/{number}/comm").read_text() != "sleep\n":
            os.sched_yield()  # setpriv has not bound it yet
        parent.send_signal(signal.SIGKILL)
    assert ended(bound)
    os.close(bound)


def test_it_outlives_the_thread_that_asked_for_it() -> None:
    started = []
    thread = threading.Thread(target=lambda: started.append(start_bound(["sleep", "1000"])))
    thread.start()
    thread.join()
    assert started[0].poll() is None
    end(started[0])
    assert started[0].returncode == -signal.SIGKILL
