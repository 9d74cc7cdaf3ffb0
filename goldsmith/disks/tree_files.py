"""A disk or a root archive from elsewhere becomes the files of a folder in a workspace."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from goldsmith.disks.containers import KINDS
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import export_tar

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.guests.workspace import Workspace

EXTRACT = ("tar", "--extract", "--numeric-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*")
"""Unpacks a root archive from its input into the current folder."""

_NO_DEVICES = ("--exclude=./dev/*", "--exclude=dev/*")


def export_tree(file: Path, kind: str, workspace: Workspace, folder: Path) -> None:
    """Put the root file system that ``file`` holds into ``folder``, an empty folder of the workspace.

    ``kind`` is a disk's, or tar for an archive of any compression that tar(1) knows. Device nodes are left out: a
    namespace may not make them, and a machine makes its own at boot. Raises DiskError and WorkspaceError.
    """
    if kind == "tar":
        with file.open("rb", buffering=0) as archive:  # tar goes on where we have read to
            argv = [*EXTRACT, *_NO_DEVICES, *_compression(archive)]
            done = workspace.run(argv, cwd=folder, stdin=archive, check=False)
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip()
            raise DiskError(
                f"The archive {file} could not be unpacked: {said[-2000:]}",
                mend="A root archive is a tar, plain or compressed with gzip, xz, zstd or bzip2.",
            )
        return
    known = next((known for known in KINDS if known == kind), None)
    if known is None:
        raise DiskError(f"{file} is of the unknown kind {kind}.", mend=f"Choose from: {', '.join(KINDS)}, tar.")
    failures: list[BaseException] = []
    reader, writer = os.pipe()

    def send() -> None:
        with os.fdopen(writer, "wb", buffering=1 << 20) as out, suppress(BrokenPipeError):
            try:
                export_tar(file, known, out, devices=False, scratch=workspace.path.parent)
            except BrokenPipeError:
                raise
            except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
                failures.append(failure)

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(reader, "rb") as incoming:
        done = workspace.run([*EXTRACT], cwd=folder, stdin=incoming, check=False)
    sender.join()
    if failures:
        raise failures[0]
    if done.exit_code:
        raise DiskError(f"The files of {file} could not be unpacked: {done.stderr.decode(errors='replace').strip()}")


def _compression(archive: BinaryIO) -> tuple[str, ...]:
    """Return tar's option for the archive's compression: it does not look for itself when it reads a pipe."""
    start = archive.read(6)
    archive.seek(0)
    return next((option for mark, option in _COMPRESSIONS if start.startswith(mark)), ())


_COMPRESSIONS: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"\x1f\x8b", ("--gzip",)),
    (b"\xfd7zXZ\0", ("--xz",)),
    (b"\x28\xb5\x2f\xfd", ("--zstd",)),
    (b"BZh", ("--bzip2",)),
)
