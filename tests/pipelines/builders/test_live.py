"""What waits between a build's steps is given once, and ends with its build."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from goldsmith.pipelines.builders.ending import ended_by
from goldsmith.pipelines.builders.live import Waiting, close_all, close_build
from goldsmith.pipelines.stop import StepTimeoutError, Stop, StoppedError


class Thing:
    closed = 0

    def close(self):
        self.closed += 1


def test_things_wait_until_they_are_taken_or_closed():
    waiting = Waiting()
    one, other, third = Thing(), Thing(), Thing()
    waiting.give_back(Path("/a"), "i-1", one)
    waiting.give_back(Path("/b"), "i-1", other)
    assert waiting.take(Path("/a"), "i-1") is one
    assert waiting.take(Path("/a"), "i-1") is None
    waiting.give_back(Path("/b"), "i-1", third)
    assert (one.closed, other.closed, third.closed) == (0, 1, 0)
    close_build(Path("/a"))
    assert third.closed == 0
    close_build(Path("/b"))
    assert third.closed == 1
    waiting.give_back(Path("/a"), "i-1", one)
    close_all()
    assert one.closed == 1


def test_work_is_ended_by_whatever_ends_its_step():
    killed = []
    stop = Stop()

    def asked():
        with ended_by(stop, lambda: killed.append("asked")):
            stop.ask()
            raise OSError("the work fails then")

    def late():
        with ended_by(Stop().within(0.05), lambda: killed.append("late")):
            while "late" not in killed:
                time.sleep(0.01)

    def its_own():
        with ended_by(Stop(), lambda: killed.append("never")):
            raise OSError("its own")

    for work, error in ((asked, StoppedError), (late, StepTimeoutError), (its_own, OSError)):
        with pytest.raises(error):
            work()
    assert killed == ["asked", "late"]
