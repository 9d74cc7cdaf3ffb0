"""The system on a root file system from elsewhere: what it is, its kernels, and what keeps them from booting here."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.lookup import LARGEST_TEXT, find, names, read
from goldsmith.disks.findings import Finding, printable

if TYPE_CHECKING:
    from goldsmith.disks.ext4.reader import FileSystem

_MACHINES = {62: "x86_64", 183: "arm64", 3: "i386"}
_DRIVERS = ("virtio_blk", "virtio_net", "virtio_pci")
_LARGEST_LIST = 8 << 20


def architecture(root: FileSystem, findings: list[Finding]) -> str:
    """Return what its programs are for, empty where nobody can tell."""
    head = read(root, "/bin/sh", 20)
    if len(head) < 20 or not head.startswith(b"\x7fELF"):  # noqa: PLR2004 - up to e_machine
        return ""
    number = int(struct.unpack_from("<H", head, 18)[0])
    found = _MACHINES.get(number, f"ELF machine {number}")
    if found != "x86_64":
        findings.append(
            Finding("error", f"Its programs are for {found}, and machines here are x86_64.", "Take its x86_64 edition.")
        )
    return found


def kernels(root: FileSystem, findings: list[Finding], *, started: bool) -> tuple[str, ...]:
    """Return the versions in /boot; say what they lack, and that there is none where a loader is ``started``."""
    boot = names(root, find(root, "/boot"))
    found = tuple(sorted(_text(name)[8:] for name in boot if name.startswith(b"vmlinuz-")))
    if not found and b"vmlinuz" not in boot and find(root, "/vmlinuz") is None and started:
        findings.append(
            Finding(
                "warning",
                "No kernel is in /boot of its root file system.",
                "It boots only if another partition has one.",
            )
        )
    for kernel in found:
        folder = f"/lib/modules/{kernel}"
        known = read(root, f"{folder}/modules.builtin", _LARGEST_LIST) + read(
            root, f"{folder}/modules.dep", _LARGEST_LIST
        )
        lacking = [name for name in _DRIVERS if known and f"/{name}.ko".encode() not in known]
        if lacking:
            findings.append(
                Finding(
                    "warning",
                    f"The kernel {kernel} has no driver {', '.join(lacking)}.",
                    "Install a full kernel package.",
                )
            )
    return found


def look_at_console(root: FileSystem, findings: list[Finding]) -> None:
    """Report a kernel that is told no serial console, where nobody would hear it."""
    menu = read(root, "/boot/grub/grub.cfg", LARGEST_TEXT)
    if menu and b"console=ttyS0" not in menu:
        findings.append(
            Finding(
                "warning",
                "Its kernel says nothing on the serial console.",
                "Add console=ttyS0,115200 to its command line.",
            )
        )


def release(root: FileSystem) -> str:
    """Return the text of /etc/os-release or, without it, /usr/lib/os-release (os-release(5)); empty for neither."""
    found = read(root, "/etc/os-release", LARGEST_TEXT) or read(root, "/usr/lib/os-release", LARGEST_TEXT)
    return found.decode(errors="replace")


def pretty_name(text: str) -> str:
    """Return what a release calls itself."""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return printable(name[1]) if name else ""


def _text(name: bytes) -> str:
    return printable(name.decode(errors="replace"))
