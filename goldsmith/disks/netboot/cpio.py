"""Files for an initramfs as a cpio archive, which may follow another (cpio(5), "New ASCII Format")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = 0o040755
_FILE = 0o100000
_NUMBERS = 110
_PAGE = 4096
_LARGEST = (1 << 32) - 1


def archive(files: Mapping[str, bytes], *, mode: int = 0o644) -> bytes:
    """Return the archive of those files, of that mode, and of the folders they are in; all are root's and of 1970."""
    folders = sorted({name.rpartition("/")[0] for name in files if "/" in name})
    members = [
        *((folder, _FOLDER, b"") for folder in folders),
        *((name, _FILE | mode, data) for name, data in files.items()),
    ]
    packed = b"".join(_member(number, *member) for number, member in enumerate(members, 1))
    return packed + _member(0, "TRAILER!!!", 0, b"")


def header(name: str, size: int) -> bytes:
    """Return what makes a file of the ``size`` bytes behind it, the last of an initramfs.

    It is as long as a page, the name filled up with zeros: a boot loader may begin each of its initrds on one. Raises
    DiskError for 4 GiB and more, which the format has no number for.
    """
    if size > _LARGEST:
        raise DiskError(f"{name} has {size} bytes, and an initramfs holds files of less than 4 GiB.")
    return _head(1, _FILE | 0o644, size, name.encode().ljust(_PAGE - _NUMBERS, b"\0"))


def _member(inode: int, name: str, mode: int, data: bytes) -> bytes:
    return _padded(_head(inode, mode, len(data), name.encode() + b"\0")) + _padded(data)


def _head(inode: int, mode: int, size: int, name: bytes) -> bytes:
    numbers = (inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name), 0)
    return b"070701" + b"".join(b"%08X" % number for number in numbers) + name


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
