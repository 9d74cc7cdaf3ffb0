"""A file system's files as a tar stream with all that belongs to them.

Format: POSIX pax, with GNU tar's SCHILY.xattr records and its sparse format 1.0.
"""

from __future__ import annotations

import stat
import tarfile
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.reader import ROOT, DamagedError, Run
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from goldsmith.disks.ext4.reader import FileSystem, Inode

_TYPES = {
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
MOST_ZEROS = 16 << 30
"""Bytes for holes of all files where a reader knows none: a small disk may claim terabytes of them."""

_CHUNK_BLOCKS = 256
_DEEPEST_FOLDER = 1024
_RECORD = 512
_LONGEST_NAME = 100
_MOST_ID = 0o7777777
_MOST_NUMBER = 0o77777777777
"""What a ustar header's fields hold."""


def export(files: FileSystem, out: BinaryIO, *, devices: bool = True, sparse: bool = True) -> None:
    """Write every file but sockets, lost+found and unwanted devices: a folder first, a hard link after its file.

    Without ``sparse`` holes are written as zeros, for readers of tars that know no maps; DiskError where there are
    more than MOST_ZEROS.
    """
    first_names: dict[int, str] = {}
    folders: set[int] = set()
    zeros = MOST_ZEROS
    for path, inode in _walk(files, folders):
        info = _described(path, inode)
        if info is None or (info.isdev() and not info.isfifo() and not devices):
            continue
        if inode.kind != stat.S_IFDIR and inode.number in first_names:
            info.type, info.linkname = tarfile.LNKTYPE, first_names[inode.number]
            _put(out, info, inode)
            continue
        first_names[inode.number] = info.name
        if inode.kind == stat.S_IFREG:
            if sparse:
                _put_file(out, info, files, inode)
            else:
                zeros = _put_whole(out, info, files, inode, zeros)
            continue
        if inode.kind == stat.S_IFLNK:
            info.linkname = _text(files.link_target(inode))
        elif inode.kind in {stat.S_IFCHR, stat.S_IFBLK}:
            info.devmajor, info.devminor = inode.device
        _put(out, info, inode)
    out.write(bytes(2 * _RECORD))


def newest(files: FileSystem) -> int:
    """Return when the file that changed last did, in seconds since 1970."""
    return max(inode.mtime for _, inode in _walk(files, set()))


def _walk(files: FileSystem, folders: set[int]) -> Iterator[tuple[bytes, Inode]]:
    """Yield (path, inode) in path order, each folder once: a folder met twice would be a loop."""
    waiting = [(b".", ROOT, 0)]
    while waiting:
        path, number, depth = waiting.pop()
        inode = files.inode(number)
        yield path, inode
        if inode.kind != stat.S_IFDIR:
            continue
        if number in folders or depth > _DEEPEST_FOLDER:
            raise DamagedError(f"folder {number} is inside itself")
        folders.add(number)
        below = [
            (path + b"/" + name, child, depth + 1)
            for name, child in files.entries(inode)
            if not (depth == 0 and name == b"lost+found")
        ]
        waiting += reversed(below)


def _described(path: bytes, inode: Inode) -> tarfile.TarInfo | None:
    """Return the file's tar header, but for what follows from its data; None for a socket."""
    if inode.kind == stat.S_IFSOCK:
        return None
    if inode.kind not in _TYPES:
        raise DamagedError(f"inode {inode.number} is of no known type")
    info = tarfile.TarInfo(_text(path))
    info.type = _TYPES[inode.kind]
    info.mode = stat.S_IMODE(inode.mode)
    info.uid, info.gid, info.mtime = inode.uid, inode.gid, inode.mtime
    return info


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _put(out: BinaryIO, info: tarfile.TarInfo, inode: Inode, sparse: dict[str, bytes] | None = None) -> None:
    """Write a header, and before it pax records of the attributes and of what the header has no room for.

    The records are written here, as tarfile marks any that is not text with one more that GNU tar warns of.
    """
    records = {f"SCHILY.xattr.{name}": value for name, value in inode.attributes.items()} | (sparse or {})
    for keyword, field in (("path", "name"), ("linkpath", "linkname")):
        value = getattr(info, field).encode("utf-8", "surrogateescape")
        if len(value) > _LONGEST_NAME or not value.isascii():
            records.setdefault(keyword, value)
            setattr(info, field, f"./{inode.number}")
    for keyword, most in (("uid", _MOST_ID), ("gid", _MOST_ID), ("size", _MOST_NUMBER), ("mtime", _MOST_NUMBER)):
        number = getattr(info, keyword)
        if not 0 <= number <= most:
            records[keyword] = str(number).encode()
            setattr(info, keyword, 0)
    if records:
        text = b"".join(_record(name, value) for name, value in records.items())
        extended = tarfile.TarInfo("./PaxHeaders/goldsmith")
        extended.type = tarfile.XHDTYPE
        extended.size = len(text)
        out.write(extended.tobuf(tarfile.USTAR_FORMAT) + text + bytes(-len(text) % _RECORD))
    out.write(info.tobuf(tarfile.USTAR_FORMAT))


def _record(name: str, value: bytes) -> bytes:
    """Return "length name=value", where the length counts its own digits (pax(1))."""
    rest = b" " + name.encode("utf-8", "surrogateescape") + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _put_file(out: BinaryIO, info: tarfile.TarInfo, files: FileSystem, inode: Inode) -> None:
    """Write a file with its data; with holes, as a map of its data and then the data."""
    runs = files.runs(inode)
    block = files.block_size
    stored = sum(min(run.count * block, inode.size - run.logical * block) for run in runs)
    prelude = b""
    records: dict[str, bytes] = {}
    if stored < inode.size:
        prelude = _sparse_map(runs, inode.size, block)
        records = {
            "GNU.sparse.major": b"1",
            "GNU.sparse.minor": b"0",
            "GNU.sparse.name": info.name.removeprefix("./").encode("utf-8", "surrogateescape"),
            "GNU.sparse.realsize": str(inode.size).encode(),
        }
        info.name = f"./GNUSparseFile.0/{inode.number}"
    info.size = len(prelude) + stored
    _put(out, info, inode, records)
    out.write(prelude)
    for run in runs:
        left = min(run.count * block, inode.size - run.logical * block)
        for begin in range(0, run.count, _CHUNK_BLOCKS):
            data = files.read(run.physical + begin, min(_CHUNK_BLOCKS, run.count - begin))[:left]
            left -= len(data)
            out.write(data)
    out.write(bytes(-info.size % _RECORD))


def _put_whole(out: BinaryIO, info: tarfile.TarInfo, files: FileSystem, inode: Inode, zeros: int) -> int:
    """Write a file with its data and its holes, where ``zeros`` may be written for them; return how many are left."""
    block = files.block_size
    runs = files.runs(inode)
    zeros -= max(0, inode.size - sum(run.count for run in runs) * block)
    if zeros < 0:
        raise DiskError(
            f"{info.name.removeprefix('.')} and the files before it have more than {MOST_ZEROS >> 30} GiB of holes, "
            "which would be written as zeros here.",
            mend="Remove it from the image or truncate it, or take the format root-tar, where a hole is no data.",
        )
    info.size = inode.size
    _put(out, info, inode)
    at = 0
    for run in [*runs, Run(-(-inode.size // block), 0, 0)]:
        begin = min(run.logical * block, inode.size)
        while at < begin:
            at += out.write(bytes(min(begin - at, _CHUNK_BLOCKS * block)))
        for first in range(0, run.count, _CHUNK_BLOCKS):
            data = files.read(run.physical + first, min(_CHUNK_BLOCKS, run.count - first))[: inode.size - at]
            at += out.write(data)
    out.write(bytes(-info.size % _RECORD))
    return zeros


def _sparse_map(runs: list[Run], size: int, block: int) -> bytes:
    """Return sparse format 1.0's map: how many pieces, then each one's place and length, a line each."""
    pieces = [(run.logical * block, min(run.count * block, size - run.logical * block)) for run in runs]
    if not pieces or sum(pieces[-1]) < size:
        pieces.append((size, 0))
    lines = [len(pieces), *(number for piece in pieces for number in piece)]
    text = "".join(f"{number}\n" for number in lines).encode()
    return text + bytes(-len(text) % _RECORD)
