"""The smallest Linux system there is: one program that prints a line and reboots, made without a compiler."""

from __future__ import annotations

import struct

from goldsmith.disks.netboot.cpio import archive

MARKER = b"goldsmith: this kernel runs\n"

_BASE = 0x400000
_HEADERS = 64 + 56


def probe_initramfs() -> bytes:
    """Return a cpio archive (newc) whose /init writes MARKER to the console and reboots."""
    return archive({"init": _init()}, mode=0o755)


def _init() -> bytes:
    """Return a static x86-64 ELF program: write(1, MARKER), reboot(RB_AUTOBOOT), then wait."""
    write = b"\xb8" + struct.pack("<I", 1) + b"\xbf" + struct.pack("<I", 1)
    restart = b"".join(
        opcode + struct.pack("<I", value)
        for opcode, value in (
            (b"\xb8", 169),  # mov eax, reboot(2)
            (b"\xbf", 0xFEE1DEAD),  # mov edi, LINUX_REBOOT_MAGIC1
            (b"\xbe", 672274793),  # mov esi, LINUX_REBOOT_MAGIC2
            (b"\xba", 0x01234567),  # mov edx, LINUX_REBOOT_CMD_RESTART
        )
    )
    syscall, wait = b"\x0f\x05", b"\xeb\xfe"
    length = b"\xba" + struct.pack("<I", len(MARKER))
    rest = length + syscall + restart + syscall + wait
    code = write + b"\x48\x8d\x35" + struct.pack("<i", len(rest)) + rest + MARKER
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return identity + header + segment + code
