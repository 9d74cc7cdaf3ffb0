"""A container image's layers become the files of a folder, inside a namespace that sees nothing but that folder.

Whiteouts are taken as the OCI image specification 1.1 (layer.md) has them. Links are followed within the folder only,
which is the process's root.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
from typing import TYPE_CHECKING

from goldsmith.oci.blobs import CHUNK, OciError

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.guests.workspace import Workspace
    from goldsmith.oci.image import OciImage

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
XATTR = "SCHILY.xattr."
_OURS = ("user.overlay.", "trusted.")
"""Attributes that a layer may not set: they would be our overlay's."""


def apply_layers(image: OciImage, workspace: Workspace, folder: Path) -> None:
    """Lay an image's layers one over the other into ``folder``, an empty folder of the workspace.

    Each layer is verified whole before anything of it is unpacked. Device nodes are left out: a namespace may not make
    them. Raises OciError for what is damaged or no tar.
    """
    for opened in image.layers:
        with tempfile.TemporaryFile(dir=workspace.path.parent.parent) as spooled:
            with opened() as stream:
                shutil.copyfileobj(stream, spooled, CHUNK)
            spooled.flush()
            workspace.call(_apply, spooled.fileno(), chroot=folder)


def _apply(descriptor: int) -> None:
    """Unpack a layer's tar into this process's root."""
    os.umask(0)
    folders: list[tarfile.TarInfo] = []
    laid: set[str] = set()
    name = ""
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
                for member in archive:
                    name = member.name
                    _lay(archive, member, laid)
                    if member.isdir():
                        folders.append(member)
    except (tarfile.TarError, OSError, ValueError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else wrong
        at = f" at {name[:200]!r}" if name else ""
        raise OciError(
            f"A layer of the container image cannot be unpacked{at}: {reason}.",
            mend="The layer is not what tools of today write: build and push the image again.",
        ) from None
    for member in reversed(folders):
        path = _path(member.name)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


def _lay(archive: tarfile.TarFile, member: tarfile.TarInfo, laid: set[str]) -> None:
    path = _path(member.name)
    parent, name = os.path.split(path)
    os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - bytes of any kind stand in names
    if name == OPAQUE:
        _empty(parent, laid)
        return
    if name.startswith(WHITEOUT):
        _remove(os.path.join(parent, name.removeprefix(WHITEOUT)))  # noqa: PTH118
        return
    laid.add(path)
    if member.isdir():
        if not _is_folder(path):
            _remove(path)
            os.mkdir(path)  # noqa: PTH102
        _dress(path, member)
        return
    _remove(path)
    if member.islnk():
        os.link(_path(member.linkname), path, follow_symlinks=False)
        return
    if member.issym():
        os.symlink(member.linkname, path)  # noqa: PTH211
    elif member.isfifo():
        os.mkfifo(path, 0o600)
    elif member.isreg():
        with open(path, "xb") as out:  # noqa: PTH123
            source = archive.extractfile(member)
            if source:
                shutil.copyfileobj(source, out, CHUNK)
    else:
        return
    _dress(path, member)


def _dress(path: str, member: tarfile.TarInfo) -> None:
    """Give a path its owner, mode, attributes and time, in the order in which none undoes another."""
    os.chown(path, member.uid, member.gid, follow_symlinks=False)
    if not member.issym():
        os.chmod(path, member.mode & 0o7777)  # noqa: PTH101
        for key, value in member.pax_headers.items():
            name = key.removeprefix(XATTR)
            if key.startswith(XATTR) and not name.startswith(_OURS):
                os.setxattr(path, name, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


def _empty(folder: str, laid: set[str]) -> None:
    """Remove what lower layers left in a folder; what this layer has laid there stays."""
    if not _is_folder(folder):
        return
    for entry in os.scandir(folder):
        kept = entry.path in laid or any(path.startswith(f"{entry.path}/") for path in laid)
        if not kept:
            _remove(entry.path)
        elif entry.is_dir(follow_symlinks=False):
            _empty(entry.path, laid)


def _remove(path: str) -> None:
    try:
        if _is_folder(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        pass


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _path(name: str) -> str:
    """Return where a member goes: below the root, whatever its name says."""
    return os.path.normpath(f"/{name}")
