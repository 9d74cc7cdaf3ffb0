"""Where Goldsmith keeps what it makes on this host."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from goldsmith.errors import GoldsmithError
from goldsmith.trees.tree import overlay_in_memory

GIBIBYTE = 1 << 30

MEMORY_WANTED = 3 * GIBIBYTE
"""A work area in memory holds the tree, the changes and the disk of an ordinary image."""

MEMORY_LEFT = 2 * GIBIBYTE
"""What the test machine and the host keep for themselves."""

ROOM_WANTED = GIBIBYTE // 4
"""Bytes of disk below which not even an image's own file fits, let alone packages and layers."""


class HomeError(GoldsmithError):
    """The folder where everything is kept cannot be used."""


@dataclass(frozen=True)
class Home:
    """A folder with a room for each kind of thing that is kept."""

    path: Path

    @classmethod
    def default(cls) -> Home:
        """Return GOLDSMITH_HOME, or /var/lib/goldsmith for root and ~/.local/share/goldsmith for others."""
        if named := os.environ.get("GOLDSMITH_HOME"):
            return cls(Path(named).absolute())
        if os.getuid() == 0:
            return cls(Path("/var/lib/goldsmith"))
        data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        return cls(Path(data).expanduser() / "goldsmith")

    def ready(self) -> Home:
        """Make the folder where it is not there yet. Raises HomeError when nothing can be kept in it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise self._unusable(refused.strerror or str(refused)) from refused
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise self._unusable("it cannot be written by this user, or is on a read-only file system")
        return self

    def require_room(self, memory: int) -> None:
        """Raise HomeError when a build cannot fit; without ``memory`` for the work area that goes to disk as well."""
        wanted = ROOM_WANTED if memory else ROOM_WANTED + MEMORY_WANTED
        free = shutil.disk_usage(self.path).free
        if free < wanted:
            raise HomeError(
                f"The disk of {self.path} has {free >> 20} MiB free, and a build here needs {wanted >> 20} MiB.",
                mend="Free some (`goldsmith gc --days 0` removes all cached layers and packages), or point "
                "GOLDSMITH_HOME at a larger disk.",
            )

    def _unusable(self, reason: str) -> HomeError:
        return HomeError(
            f"The folder {self.path}, where Goldsmith keeps its state, cannot be used: {reason}.",
            mend="Point GOLDSMITH_HOME at a folder that you may write.",
        )

    @property
    def layers(self) -> Path:
        """The layer cache."""
        return self.path / "layers"

    @property
    def images(self) -> Path:
        """The finished images."""
        return self.path / "images"

    @property
    def packages(self) -> Path:
        """Packages and indexes fetched from the archives."""
        return self.path / "packages"

    @property
    def archives(self) -> Path:
        """What the archives' indexes were when they were last looked at."""
        return self.path / "archives"

    @property
    def failed(self) -> Path:
        """Logs and evidence of builds that failed."""
        return self.path / "failed"

    @property
    def machines(self) -> Path:
        """Machines that run, and what is known of this host's acceleration."""
        return self.path / "machines"

    @property
    def blocks(self) -> Path:
        """The block stores of regions that have no other."""
        return self.path / "blocks"

    @property
    def instances(self) -> Path:
        """Instances, a folder each."""
        return self.path / "instances"

    @property
    def volumes(self) -> Path:
        """Volumes, a folder each."""
        return self.path / "volumes"

    @property
    def buckets(self) -> Path:
        """Buckets of files to import and files exported, a folder each."""
        return self.path / "buckets"

    @property
    def vault_key(self) -> Path:
        """The key that seals secrets in the catalogue."""
        return self.path / "keys" / "vault.key"


def memory_for_work() -> int:
    """Return how many bytes a work area may take of the memory that is free now, 0 for too few: work on disk then.

    GOLDSMITH_MEMORY (bytes, or with a G) decides instead where it is set. A kernel whose tmpfs cannot hold an overlay's
    changes (before Linux 6.6) leaves only the disk. Raises HomeError for a GOLDSMITH_MEMORY that is no amount.
    """
    if not overlay_in_memory():
        return 0
    if said := os.environ.get("GOLDSMITH_MEMORY"):
        amount = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)([Gg]?)", said)
        if not amount:
            raise HomeError(
                f"GOLDSMITH_MEMORY is {said!r}, which is no amount of memory.", mend="Write bytes, 4G, or 0 for disk."
            )
        return int(float(amount[1]) * (GIBIBYTE if amount[2] else 1))
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    spare = available - MEMORY_LEFT
    return spare * 3 // 4 if spare * 3 // 4 >= MEMORY_WANTED else 0
