"""A tree with everything that a file system can hold, and what can be said of any tree to compare two."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import struct
from pathlib import Path

MTIME = 1_700_000_000
EPOCH = 1_800_000_000
CAP_NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in [
        (1, 6, 0xFFFFFFFF),
        (2, 4, 1000),
        (4, 6, 0xFFFFFFFF),
        (8, 6, 7),
        (16, 6, 0xFFFFFFFF),
        (32, 4, 0xFFFFFFFF),
    ]
)


def make(folder: Path, seed: int = 1) -> None:
    """Make it; ``seed`` is the order in which names are created, and nothing else."""
    order = random.Random(seed)  # noqa: S311 - a fixed sequence is what is wanted
    data = random.Random(7)  # noqa: S311
    folder.mkdir(exist_ok=True)
    names = ["etc", "usr", "usr/bin", "var", "dir with space", "deep", "many", "lost+found"]
    for name in names:
        (folder / name).mkdir()
    long = "d" * 120
    files: dict[bytes, bytes] = {
        b"etc/passwd": b"root:x:0:0\n",
        b"etc/hostname": b"hello",
        b"usr/bin/sudo": b"setuid" * 1000,
        b"usr/bin/ping": b"capable" * 1000,
        b"random": data.randbytes(3_000_000),
        b"zeros": bytes(1 << 16),
        b"empty": b"",
        b"odd\nname\t\xff\xc3\xa4": b"odd",
        b"n" * 255: b"long",
        b"holes": (bytes(65536) + data.randbytes(65536)) * 12 + b"end",
    } | {f"many/a file with a rather long name, number {n}".encode(): b"x" * (n % 5000) for n in range(600)}
    (folder / long).mkdir()
    files[f"{long}/{long}".encode()] = b"deep"
    for name in order.sample(sorted(files), len(files)):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(files[name])
    for n in order.sample(range(90), 90):
        (folder / "deep" / str(n)).mkdir()
    with (folder / "huge").open("wb") as file:
        file.truncate(5_000_000_000)
        file.seek(4_000_000_001)
        file.write(b"x")
    for target, name in [("../etc/passwd", "usr/passwd"), ("x" * 200, "long"), ("y" * 59, "s59"), ("y" * 60, "s60")]:
        (folder / name).symlink_to(target)
    for name in order.sample(["etc/hostname.link", "deep/other"], 2):
        os.link(folder / "etc/hostname", folder / name)
    os.mkfifo(folder / "fifo")
    (folder / "usr/bin/sudo").chmod(0o4755)
    os.chown(folder / "var", 33, 44)
    (folder / "var").chmod(0o1777)
    os.chown(folder / "usr/passwd", 100, 200, follow_symlinks=False)
    os.chown(folder / "deep", 65534, 65534)
    os.setxattr(folder / "usr/bin/ping", "security.capability", CAP_NET_RAW)
    os.setxattr(folder / "random", "system.posix_acl_access", ACL)
    large = [
        (folder / "holes", "user.large", b"v" * 1500),
        (folder / "holes", "user.a", b"1"),
        (folder / "holes", "user.empty", b""),
    ]
    for path, name, value in [*order.sample(large, 3), (folder / "empty", "user.binary", b"\x00\xff\n\x80")]:
        os.setxattr(path, name, value)
    settle_times(folder)


def settle_times(folder: Path) -> None:
    """Give every file the same modification time."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (MTIME, MTIME), follow_symlinks=False)


def describe(root: Path) -> dict[bytes, tuple[object, ...]]:
    """Say of every file of the tree all that packing must keep; lost+found and sockets are no part of it."""
    found: dict[bytes, tuple[object, ...]] = {}
    first: dict[int, bytes] = {}
    for folder, names, files in os.walk(os.fsencode(root)):
        if folder == os.fsencode(root):
            names.remove(b"lost+found") if b"lost+found" in names else None
        names.sort()
        for name in [b".", *sorted(names + files)] if folder == os.fsencode(root) else sorted(names + files):
            path = os.path.join(folder, name)  # noqa: PTH118 - names are bytes
            status = os.lstat(path)
            short = os.path.relpath(path, os.fsencode(root))
            kind = stat.S_IFMT(status.st_mode)
            content: object = None
            if kind == stat.S_IFREG:
                content = (status.st_size, content_digest(path))
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)  # noqa: PTH115 - names are bytes
            twin = first.setdefault(status.st_ino, short) if kind != stat.S_IFDIR else b""
            attributes = {
                n: os.getxattr(path, n, follow_symlinks=False) for n in os.listxattr(path, follow_symlinks=False)
            }
            found[short] = (
                oct(status.st_mode), status.st_uid, status.st_gid, int(status.st_mtime), content, twin,
                sorted(attributes.items()),
            )  # fmt: skip
    return found


def content_digest(path: bytes) -> str:
    """SHA-256 of a file's data with its place, holes left out."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123 - names are bytes
        at = 0
        while True:
            try:
                at = file.seek(at, os.SEEK_DATA) // 65536 * 65536
            except OSError:
                break
            file.seek(at)
            chunk = file.read(65536)
            if chunk.strip(b"\0"):
                digest.update(b"%d:" % at + chunk)
            at += 65536
    return digest.hexdigest()
