"""A disk's root file system as an EROFS, made by mkfs.erofs from its files, unpacked in memory."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.export import newest
from goldsmith.disks.pieces import data_bytes
from goldsmith.disks.plan import MIB
from goldsmith.disks.reading import root_files
from goldsmith.disks.root_tar import root_stream
from goldsmith.disks.tools import SEARCH_PATH
from goldsmith.disks.tree_files import EXTRACT
from goldsmith.guests.process import HostToolMissingError
from goldsmith.guests.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = "mkfs.erofs"
_COMPRESSION = ("-zlz4hc", "-C65536")
"""Debian 12's kernel knows no other; clusters of 64 KiB are 10 % less than those of 4 KiB."""

_SPARE = 256 * MIB
_NAME = "00000000-0000-4000-8000-000000000000"
"""The file system's UUID: it is found by its path."""


def write_erofs(raw: Path, output: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the root file system of the raw disk to ``output``, compressed with LZ4, attributes and owners kept.

    mkfs.erofs reads archives from 1.7 on, and Debian 12 has 1.5: the files are in memory meanwhile, and what is made
    of them. Device nodes are left out. The same disk gives the same bytes. Raises DiskError, WorkspaceError where the
    files do not fit or are of users from 65536 on, and HostToolMissingError without mkfs.erofs; then no output is left.
    """
    if not shutil.which(PROGRAM, path=SEARCH_PATH):
        raise HostToolMissingError(
            f"The program {PROGRAM} is not installed on this host.", mend="apt-get install erofs-utils"
        )
    with root_files(raw) as files:
        time = max(newest(files), 0)
    try:
        with _memory(2 * data_bytes(raw) + _SPARE) as workspace:
            tree, made = workspace.path / "tree", workspace.path / "root.erofs"
            workspace.run(["mkdir", str(tree)])
            with root_stream(raw, progress, devices=False) as stream:
                workspace.run([*EXTRACT], cwd=tree, stdin=stream)
            options = [*_COMPRESSION, "--preserve-mtime", f"-U{_NAME}", "--quiet"]
            workspace.run([PROGRAM, *options, str(made), str(tree)], env={"SOURCE_DATE_EPOCH": str(time)})
            shutil.copyfile(workspace.seen_from_host(made), output)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


@contextmanager
def _memory(size: int) -> Iterator[Workspace]:
    """Give a workspace of that many bytes, in a folder of its own that its users may pass."""
    with TemporaryDirectory(prefix="goldsmith-erofs-") as home:
        Path(home).chmod(0o711)
        with Workspace(Path(home), memory=size) as workspace:
            yield workspace
