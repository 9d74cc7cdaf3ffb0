"""A volume's record: which files hold its data, who uses it, what keeps its past from being merged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from goldsmith.machines.instances.spec import InstanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTOR = 512
LONGEST_CHAIN = 16
"""Files that one volume may consist of: each capture that is not stored yet keeps one."""


class VolumeInUseError(InstanceError):
    """A running instance uses the volume."""


class NoSuchVolumeError(InstanceError):
    """No volume has this id here."""


@dataclass(frozen=True)
class Volume:
    """A disk of ``size`` bytes: what its base in the block store holds, then its ``files`` above, the last written.

    ``fresh`` says that nothing can have been written to the last file yet. ``holds`` maps a capture to how many of
    the files, from the lowest, it still reads. ``holder`` is the instance that used the volume last: it uses it now
    if it lives. ``made`` counts files, so that no name is used twice. A ``doomed`` volume is deleted as soon as no
    capture reads it any more.
    """

    volume_id: str
    size: int
    store_url: str
    based: bool
    files: tuple[str, ...] = ("disk.qcow2",)
    made: int = 1
    fresh: bool = True
    holds: Mapping[str, int] = field(default_factory=dict)
    holder: str = ""
    doomed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the volume as volume.json holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Volume:
        """Return the volume that `as_json` wrote."""
        return cls(**{**record, "files": tuple(record["files"])})

    def grown(self) -> Volume:
        """Return the volume with another file on top, which does not exist yet; InstanceError when it has too many."""
        if len(self.files) >= LONGEST_CHAIN:
            raise InstanceError(
                f"{self.volume_id} is being captured {len(self.files) - 1} times at once.",
                mend="Wait until one of its captures is stored.",
            )
        return replace(self, files=(*self.files, f"disk.{self.made}.qcow2"), made=self.made + 1, fresh=True)

    def held(self, capture: str, files: int) -> Volume:
        """Return the volume with its ``files`` lowest files kept for a capture."""
        return replace(self, holds={**self.holds, capture: files})

    def released(self, capture: str) -> Volume:
        """Return the volume without what a capture kept."""
        return replace(self, holds={name: count for name, count in self.holds.items() if name != capture})

    def merged(self) -> Volume:
        """Return the volume after everything has been written into its lowest file."""
        return replace(self, files=self.files[:1], fresh=False)

    def lowered(self) -> Volume:
        """Return the volume without its topmost file, into which nothing was written."""
        return replace(self, files=self.files[:-1], fresh=False)
