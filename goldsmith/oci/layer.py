"""A tree's layer becomes a layer of a container image: a tar that is the same whenever the files are.

The layer's folder is read by a process inside the workspace's namespaces that sees nothing else, as only there its
files' owners are the tree's. What the overlay notes about removed files becomes whiteouts (OCI image specification
1.1, layer.md). Device nodes are left out, as a namespace may not unpack them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import threading
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.oci.applying import OPAQUE, WHITEOUT, XATTR
from goldsmith.oci.blobs import CHUNK, LAYER, OciError, file_blob
from goldsmith.oci.image import NewLayer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.guests.workspace import Workspace

LEVEL = 6
_OVERLAY = "user.overlay."
_GZIP_WINDOW = 31
"""zlib's window with a gzip header around, which has neither a name nor a time."""


@dataclass(frozen=True)
class Changed:
    """What a layer changes below it: ``paths`` that it removes or replaces, ``folders`` whose contents it replaces."""

    paths: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()

    def hides(self, path: str) -> bool:
        """Tell whether nothing of a lower layer's path can be seen."""
        if path in self.paths:
            return True
        above = path.rpartition("/")[0]
        while above:
            if above in self.paths or above in self.folders:
                return True
            above = above.rpartition("/")[0]
        return False


def changed_by(workspace: Workspace, folder: Path) -> Changed:
    """Return what the layer in a folder of the workspace changes of those below it."""
    return workspace.call(_changed, chroot=folder)


def written_layer(workspace: Workspace, folder: Path, title: str, out: int, *, hidden: Changed = Changed()) -> NewLayer:
    """Write a layer's folder to an open, empty file as a gzip-packed tar; ``hidden`` paths are left out.

    The layer can be read for as long as the file is open.
    """
    reader, writer = os.pipe()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            workspace.call(_pack, reader, writer, hidden, chroot=folder)
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            failures.append(failure)
        finally:
            os.close(writer)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with os.fdopen(reader, "rb") as plain:
            diff_id = pack(plain, out)
    finally:
        sender.join()
    if failures:
        raise failures[0]
    return new_layer(out, diff_id, title)


def new_layer(descriptor: int, diff_id: str, title: str) -> NewLayer:
    """Return the layer that an open file is, packed by `pack`."""
    size = os.fstat(descriptor).st_size
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return NewLayer(file_blob(f"{LAYER}+gzip", f"sha256:{digest}", descriptor, 0, size), diff_id, title)


def pack(plain: BinaryIO, out: int) -> str:
    """Pack a tar with gzip on all cores, a member for each MiB, so that the same tar gives the same bytes.

    Return its diff id.
    """
    seen = hashlib.sha256()
    threads = len(os.sched_getaffinity(0))
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool, os.fdopen(os.dup(out), "wb") as file:
        for some in _pieces(plain):
            seen.update(some)
            waiting.append(pool.submit(_deflated, some))
            if len(waiting) > 2 * threads:
                file.write(waiting.popleft().result())
        while waiting:
            file.write(waiting.popleft().result())
    return f"sha256:{seen.hexdigest()}"


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream in MiBs, however few bytes it gives at once; only the last is shorter."""
    piece = bytearray()
    while some := stream.read(CHUNK - len(piece)):
        piece += some
        if len(piece) == CHUNK:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _deflated(some: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(some) + packer.flush()


def _changed() -> Changed:
    paths, folders = set(), set()
    for path, status in _walked("/", Changed()):
        if stat.S_ISDIR(status.st_mode):
            if _is_opaque(path):
                folders.add(path)
        else:
            paths.add(path)
    return Changed(frozenset(paths), frozenset(folders))


def _pack(reader: int, writer: int, hidden: Changed) -> None:
    """Write this process's root as a tar to a pipe."""
    os.close(reader)
    links: dict[int, str] = {}
    with (
        os.fdopen(os.dup(writer), "wb", buffering=CHUNK) as out,
        tarfile.open(
            fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as archive,
    ):
        for path, status in _walked("/", hidden):
            _add(archive, path, status, links)


def _add(archive: tarfile.TarFile, path: str, status: os.stat_result, links: dict[int, str]) -> None:
    info = tarfile.TarInfo(path.lstrip("/"))
    if _is_whiteout(path, status):
        folder, name = os.path.split(info.name)
        archive.addfile(_marker(os.path.join(folder, f"{WHITEOUT}{name}")))  # noqa: PTH118 - a name in the tar
        return
    info.uid, info.gid, info.mode = status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)
    info.mtime = int(status.st_mtime)
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777  # noqa: PTH115 - any bytes
    elif stat.S_ISFIFO(status.st_mode):
        info.type = tarfile.FIFOTYPE
    elif not stat.S_ISREG(status.st_mode):
        return
    if status.st_nlink > 1 and not info.isdir():
        if status.st_ino in links:
            info.type, info.linkname = tarfile.LNKTYPE, links[status.st_ino]
            archive.addfile(info)
            return
        links[status.st_ino] = info.name
    info.pax_headers = _attributes(path)
    if info.isreg():
        info.size = status.st_size
        with open(path, "rb") as content:  # noqa: PTH123 - any bytes stand in names
            archive.addfile(info, content)
        return
    archive.addfile(info)
    if info.isdir() and _is_opaque(path):
        archive.addfile(_marker(f"{info.name}/{OPAQUE}"))


def _marker(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = 0
    return info


def _attributes(path: str) -> dict[str, str]:
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return {
        f"{XATTR}{name}": os.getxattr(path, name, follow_symlinks=False).decode("utf-8", "surrogateescape")
        for name in names
        if not name.startswith((_OVERLAY, "trusted."))
    }


def _walked(folder: str, hidden: Changed) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is in a folder, in the names' order of bytes, each folder before what it holds."""
    for name in sorted(os.listdir(folder), key=os.fsencode):  # noqa: PTH208 - names of any bytes
        path = f"{folder.rstrip('/')}/{name}"
        if hidden.hides(path):
            continue
        if name.startswith(WHITEOUT):
            raise OciError(
                f"The tree has a file {path}, and a container image takes such names for removed files.",
                mend="Give the file another name.",
            )
        status = os.lstat(path)
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walked(path, hidden)


def _is_whiteout(path: str, status: os.stat_result) -> bool:
    """Tell the overlay's marks of a removed file: a device 0/0, or an empty file with an attribute."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    return (
        stat.S_ISREG(status.st_mode)
        and not status.st_size
        and f"{_OVERLAY}whiteout" in os.listxattr(path, follow_symlinks=False)
    )


def _is_opaque(path: str) -> bool:
    try:
        return os.getxattr(path, f"{_OVERLAY}opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False
