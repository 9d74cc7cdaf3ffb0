"""A machine's serial console: what it said last, and the signs that a boot is beyond hope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOPELESS = (
    (rb"Kernel panic - not syncing[^\r\n]*", "the kernel panicked"),
    (rb"\(initramfs\) ", "it fell into the initramfs's shell"),
    (rb"You are in (?:emergency|rescue) mode", "it fell into systemd's emergency shell"),
    (rb"Cannot open access to console, the root account is locked", "it fell into systemd's emergency shell"),
    (rb"Press Enter for maintenance", "it fell into systemd's emergency shell"),
    (rb"grub rescue> ", "GRUB did not find its files"),
    (rb"(?<!rescue)[\r\n\x00-\x20]grub> ", "GRUB found no menu"),
    (rb"No bootable device", "the firmware found nothing to boot"),
    (rb'BdsDxe: starting Boot[0-9A-F]{4} "EFI Internal Shell"', "the firmware found nothing to boot"),
    (rb"BdsDxe: No bootable option or device was found", "the firmware found nothing to boot"),
)
"""Words on the console after which no boot recovers by itself, and what they mean."""

_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[c=>78])|\r")


class Console:
    """Reads what a console's log gains; each byte is looked at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = 0
        self._tail = b""

    def hopeless(self) -> str:
        """Return why the boot cannot go on, or nothing; to be called again as the log grows."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as log:
            log.seek(self._seen)
            fresh = log.read()
        self._seen += len(fresh)
        text = self._tail + fresh
        self._tail = text[-200:]
        return next((meaning for words, meaning in HOPELESS if re.search(words, text)), "")

    def last_lines(self, count: int = 25) -> str:
        """Return the last lines that say something, without terminal codes."""
        text = _ESCAPES.sub(b"", self.path.read_bytes()) if self.path.exists() else b""
        lines = [line.rstrip() for line in text.decode(errors="replace").splitlines() if line.strip()]
        return "\n".join(lines[-count:])
