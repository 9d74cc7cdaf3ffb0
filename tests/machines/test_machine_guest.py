"""The machine guest in a machine that really runs."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from goldsmith.guests.machine import MachineGuest
    from goldsmith.guests.process import Stream
    from tests.machines.conftest import Booted

pytestmark = [pytest.mark.boots, pytest.mark.sandbox, pytest.mark.network]


@pytest.fixture(scope="session")
def guest(booted: Booted) -> MachineGuest:
    return booted.machine.guest


def test_commands_run_as_root_with_words_kept_apart(guest: MachineGuest) -> None:
    words = ["a b", "c'd", 'e"f', "$HOME", "`id`", "*", "", "ü", "line\nbreak", "-n"]
    done = guest.run(["printf", "%s|", *words])
    assert done.stdout.decode() == "".join(f"{word}|" for word in words)
    assert guest.run(["id", "-u"]).stdout == b"0\n"


def test_environment_folder_and_exit_code(guest: MachineGuest) -> None:
    done = guest.run(["sh", "-c", 'echo "$X|$HOME|$(pwd)"; echo oops >&2; exit 194'], env={"X": "a 'b' $c"}, cwd="/srv")
    assert (done.stdout, done.stderr, done.exit_code) == (b"a 'b' $c|/root|/srv\n", b"oops\n", 194)


@pytest.mark.parametrize(("script", "code"), [("exit 255", 255), ("kill -TERM $$", 143)])
def test_exit_codes_that_ssh_itself_uses(guest: MachineGuest, script: str, code: int) -> None:
    assert guest.run(["sh", "-c", script]).exit_code == code


def test_a_missing_program_is_an_exit_code(guest: MachineGuest) -> None:
    assert guest.run(["no-such-program"]).exit_code == 127


def test_output_streams_and_a_daemon_does_not_hold_the_end(guest: MachineGuest) -> None:
    seen: list[tuple[Stream, bytes]] = []
    done = guest.run(["sh", "-c", "echo out; sleep 3600 & echo $!"], on_output=lambda *chunk: seen.append(chunk))
    assert b"".join(chunk for _, chunk in seen) == done.stdout
    pid = done.stdout.split()[-1].decode()
    assert guest.run(["sh", "-c", 'kill "$1"', "sh", pid]).exit_code == 0


def test_a_timeout_kills_the_whole_group(guest: MachineGuest) -> None:
    done = guest.run(["sh", "-c", "sleep 7777 & sleep 7777"], timeout=3)
    assert done.timed_out
    assert guest.run(["pgrep", "-f", "^sleep 7777"]).exit_code == 1


def test_files_go_and_come_byte_for_byte(guest: MachineGuest) -> None:
    data = os.urandom(300_000) + b"\0end\0"
    guest.put("/srv/a file", io.BytesIO(data), mode=0o640)
    assert guest.get("/srv/a file") == data
    assert guest.run(["stat", "-c", "%a %U", "/srv/a file"]).stdout == b"640 root\n"


def test_a_reboot_keeps_files_and_ends_processes(guest: MachineGuest) -> None:
    guest.run(["sh", "-c", "echo kept >/srv/kept; echo lost >/run/lost"])
    before = guest.get("/proc/sys/kernel/random/boot_id")
    guest.reboot()
    assert guest.get("/proc/sys/kernel/random/boot_id") != before
    assert guest.get("/srv/kept") == b"kept\n"
    assert guest.run(["test", "-e", "/run/lost"]).exit_code == 1
    assert guest.run(["systemctl", "is-system-running"]).stdout == b"running\n"
