"""What went wrong, for the person at the terminal: the system's own refusals as sentences with their mend."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.cli.output import bytes_for_people
from goldsmith.documents.source import DocumentError
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import ROOM_WANTED

if TYPE_CHECKING:
    from goldsmith.pipelines.home import Home

FULL = os.strerror(errno.ENOSPC)
MENDS = {
    errno.EACCES: "Check who may read and write it: ls -ld shows it.",
    errno.EPERM: "Check who may read and write it: ls -ld shows it.",
    errno.EROFS: "It is on a file system that takes no writes; point GOLDSMITH_HOME at one that does.",
    errno.EDQUOT: "Your quota is used up: free some, or point GOLDSMITH_HOME elsewhere.",
    errno.EMFILE: "Allow more open files: ulimit -n 4096",
    errno.ENFILE: "The host has too many open files; end some programs.",
    errno.ENOMEM: "Memory is short: end some programs, or work on disk with GOLDSMITH_MEMORY=0.",
    errno.EIO: "The disk or the file system is damaged; the kernel's log (dmesg) says more.",
    errno.ENOTDIR: "A part of the path is a file; check the path.",
}
"""The system's refusals that a person can do something about."""


class SystemRefusalError(GoldsmithError):
    """The operating system refused something, for a reason that a person can do something about."""


def told(error: GoldsmithError, home: Home) -> str:
    """Return the text for standard error: a document's faults as they are, anything else as goldsmith's words."""
    if isinstance(error, DocumentError):
        return str(error)
    if FULL in error.message and not isinstance(error, SystemRefusalError):
        said = GoldsmithError(error.message, mend=" ".join(filter(None, (error.mend, _room(home)))))
        return f"goldsmith: {said}"
    return f"goldsmith: {error}"


def sentence(error: OSError, home: Home) -> SystemRefusalError | None:
    """Return a refusal of the system in words; None for one that only a programmer can mend."""
    if error.errno == errno.ENOSPC:
        where = f" for {error.filename}" if error.filename else ""
        return SystemRefusalError(f"{FULL}{where}.", mend=_room(home))
    if error.errno not in MENDS:
        return None
    what = f"{error.filename}: " if error.filename else ""
    return SystemRefusalError(f"{what}{error.strerror}.", mend=MENDS[error.errno])


def _room(home: Home) -> str:
    """Say which folder is full and what to do about it. What did not fit may be gone again already."""
    temporary = Path(tempfile.gettempdir())
    if _free(home.path) < ROOM_WANTED:
        return (
            f"The disk of {home.path} is full: free some (`goldsmith gc --days 0` removes all cached layers and "
            "packages), or point GOLDSMITH_HOME at a larger one."
        )
    if _free(temporary) < ROOM_WANTED:
        return f"The disk of {temporary} is full: free some there, or point TMPDIR elsewhere."
    return (
        f"{home.path} still has {bytes_for_people(_free(home.path))}, so the work area was too small: "
        "GOLDSMITH_MEMORY=8G gives it more memory, GOLDSMITH_MEMORY=0 has it on disk."
    )


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder if folder.exists() else folder.anchor).free
