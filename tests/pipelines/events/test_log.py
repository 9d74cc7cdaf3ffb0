"""The event log: whole lines, once each, read from anywhere and while it grows, by several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from goldsmith.pipelines.events.event import Event
from goldsmith.pipelines.events.log import EventLog, Position, PositionError

DAY = 86400.0


def event(number, moment):
    return Event.of("Test", [f"arn:{number}"], {"n": number}, account="1" * 12, region="us-east-1", moment=moment)


def numbers(logged):
    return [each.event["detail"]["n"] for each in logged]


def test_what_is_appended_is_read_from_any_position(home, clock):
    log = EventLog(home, clock)
    assert all(log.append(event(number, clock.now)) for number in range(3))
    clock.now += DAY
    assert log.append(event(3, clock.now))
    every = list(log.read())
    assert numbers(every) == [0, 1, 2, 3]
    for number, each in enumerate(every):
        assert numbers(log.read(Position.parse(str(each.after)))) == [0, 1, 2, 3][number + 1 :]
    assert log.end() == every[-1].after
    assert numbers(log.read(Position.parse("2026-11-19"))) == [3]
    assert sorted(path.name for path in log.folder.glob("*.jsonl")) == ["2026-11-18.jsonl", "2026-11-19.jsonl"]


def test_a_change_that_is_told_again_is_left_out_even_days_later_and_by_another_process(home, clock):
    told = event(1, clock.now)
    log = EventLog(home, clock)
    assert log.append(told)
    assert not log.append(told)
    assert not EventLog(home, clock).append(told)
    clock.now += 3 * DAY
    assert not EventLog(home, clock).append(told)
    assert EventLog(home, clock).append(event(1, clock.now))
    assert numbers(log.read()) == [1, 1]


def test_a_line_that_a_killed_process_left_half_written_is_no_event_and_spoils_none(home, clock):
    log = EventLog(home, clock)
    log.append(event(0, clock.now))
    with (log.folder / "2026-11-18.jsonl").open("ab") as file:
        file.write(b'{"id": "half')
    after = log.end()
    assert numbers(log.read()) == [0]
    log.append(event(1, clock.now))
    assert numbers(log.read()) == [0, 1]
    assert numbers(log.read(after)) == [1]


def test_old_days_go_when_a_new_one_begins(home, clock):
    log = EventLog(home, clock)
    log.append(event(0, clock.now))
    clock.now += 30 * DAY
    log.append(event(1, clock.now))
    assert numbers(log.read()) == [0, 1]
    clock.now += DAY
    log.append(event(2, clock.now))
    assert numbers(log.read()) == [1, 2]


def test_a_clock_that_goes_back_a_day_keeps_the_order(home, clock):
    log = EventLog(home, clock)
    log.append(event(0, clock.now))
    clock.now -= DAY
    log.append(event(1, clock.now))
    assert numbers(log.read()) == [0, 1]
    assert not log.append(event(1, clock.now))


def test_who_follows_gets_what_is_there_and_what_comes(home, clock):
    log, stop, got = EventLog(home, clock), threading.Event(), []
    log.append(event(0, clock.now))
    seen = threading.Semaphore(0)

    def follow():
        for logged in EventLog(home, clock).follow(None, stop):
            got.append(logged.event["detail"]["n"])
            seen.release()

    thread = threading.Thread(target=follow)
    thread.start()
    assert seen.acquire(timeout=20)
    clock.now += DAY
    log.append(event(1, clock.now))
    assert seen.acquire(timeout=20)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert got == [0, 1]


WRITER = """
import sys
from pathlib import Path
from goldsmith.pipelines.events.event import Event
from goldsmith.pipelines.events.log import EventLog
from goldsmith.pipelines.home import Home
log = EventLog(Home(Path(sys.argv[1])), lambda: 1_795_000_000.0)
name = sys.argv[2]
for number in range(int(sys.argv[3])):
    log.append(Event.of("Test", [name], {"n": number}, account="1" * 12, region="r", moment=1_795_000_000.0 + number))
    print(number, flush=True)
"""


def test_processes_that_write_at_once_and_are_killed_leave_whole_lines_and_each_event_once(home, clock):
    def start(name, count):
        argv = [sys.executable, "-c", WRITER, str(home.path), name, str(count)]
        return subprocess.Popen(argv, stdout=subprocess.PIPE)

    killed, whole = start("a", 100_000), start("b", 50)
    for _ in range(20):
        assert killed.stdout.readline()
    os.kill(killed.pid, signal.SIGKILL)
    told = 20 + len(killed.stdout.readlines())
    killed.wait()
    assert whole.communicate()[0].splitlines()[-1] == b"49"
    again = start("a", told)
    assert again.communicate()[0]
    names = [(each.event["resources"][0], each.event["detail"]["n"]) for each in EventLog(home, clock).read()]
    assert len(names) == len(set(names))
    assert {("b", number) for number in range(50)} <= set(names)
    assert {("a", number) for number in range(told)} <= set(names)
    for line in (home.path / "events" / "2026-11-18.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-18/x"])
def test_a_text_that_is_no_position_is_refused(text):
    with pytest.raises(PositionError, match="no position"):
        Position.parse(text)
