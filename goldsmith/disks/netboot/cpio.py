"""Files for an initramfs as a cpio archive, which may follow another (cpio(5), "New ASCII Format")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = 0o040755
_FILE = 0o100000


def archive(files: Mapping[str, bytes], *, mode: int = 0o644) -> bytes:
    """Return the archive of those files, of that mode, and of the folders they are in; all are root's and of 1970."""
    folders = sorted({name.rpartition("/")[0] for name in files if "/" in name})
    members = [
        *((folder, _FOLDER, b"") for folder in folders),
        *((name, _FILE | mode, data) for name, data in files.items()),
    ]
    packed = b"".join(_member(number, *member) for number, member in enumerate(members, 1))
    return packed + _member(0, "TRAILER!!!", 0, b"")


def _member(inode: int, name: str, mode: int, data: bytes) -> bytes:
    numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
