from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldsmith.machines.console import Console

if TYPE_CHECKING:
    from pathlib import Path

PANIC = b"[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (PANIC, "the kernel panicked"),
        (b"BusyBox v1.35\r\n\r\n(initramfs) ", "it fell into the initramfs's shell"),
        (b"You are in emergency mode. After logging in", "it fell into systemd's emergency shell"),
        (b"\r\ngrub> ", "GRUB found no menu"),
        (b"grub rescue> ", "GRUB did not find its files"),
        (b'BdsDxe: starting Boot0002 "EFI Internal Shell" from Fv(7C', "the firmware found nothing to boot"),
        (b"No bootable device.\r\n", "the firmware found nothing to boot"),
    ],
)
def test_a_hopeless_boot_is_known_by_its_words(tmp_path: Path, words: bytes, reason: str) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"SeaBIOS\r\n" + words)
    assert Console(log).hopeless() == reason


def test_words_split_between_two_looks_are_seen(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    console = Console(log)
    assert console.hopeless() == ""
    log.write_bytes(PANIC[:25])
    assert console.hopeless() == ""
    log.write_bytes(PANIC)
    assert console.hopeless() == "the kernel panicked"


def test_an_ordinary_boot_is_not_hopeless(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(
        b"Welcome to GRUB!\r\n[  OK  ] Started Emergency helper\r\nDebian GNU/Linux 12 host ttyS0\r\n\r\nhost login: "
    )
    assert Console(log).hopeless() == ""


def test_the_last_lines_are_plain_text(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"one\r\n\r\n[\x1b[0;32m  OK  \x1b[0m] two\r\n\xff three\r\n")
    assert Console(log).last_lines(2) == "[  OK  ] two\n\ufffd three"
