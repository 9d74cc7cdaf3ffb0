"""Everything about a disk that is decided before it is made, so that one plan gives one disk."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Self

from goldsmith.errors import GoldsmithError

MIB = 1 << 20
GIB = 1 << 30
DEFAULT_SIZE = 4 * GIB
SMALLEST_SIZE = 512 * MIB
LARGEST_SIZE = 2048 * GIB

_NAMESPACE = uuid.UUID("6a7f5d0e-51a4-5d4c-8a52-0f2f3f0f6c11")


class DiskError(GoldsmithError):
    """A disk could not be made or read."""


@dataclass(frozen=True)
class DiskPlan:
    """A disk's size, its identifiers and its moment in time.

    ``size_bytes`` is the whole disk's; ``epoch`` is in seconds since 1970, and no time on the disk is later;
    ``esp_volume_id`` is a FAT volume's 32-bit serial number; ``label`` is the root file system's, up to 16 bytes.
    """

    root_uuid: uuid.UUID
    disk_guid: uuid.UUID
    bios_guid: uuid.UUID
    esp_guid: uuid.UUID
    root_guid: uuid.UUID
    esp_volume_id: int
    hash_seed: uuid.UUID
    epoch: int
    size_bytes: int = DEFAULT_SIZE
    label: str = "root"

    def __post_init__(self) -> None:
        if self.size_bytes % MIB or not SMALLEST_SIZE <= self.size_bytes <= LARGEST_SIZE:
            raise DiskError(
                f"A disk of {self.size_bytes} bytes cannot be made.",
                mend=f"Ask for whole MiB, from {SMALLEST_SIZE // MIB} MiB to {LARGEST_SIZE // GIB} GiB.",
            )
        if not 0 <= self.epoch < 1 << 32:
            raise DiskError(f"The time {self.epoch} is outside what a disk can hold.", mend="Use seconds since 1970.")

    @classmethod
    def derive(cls, plan_digest: str, epoch: int, size_bytes: int = DEFAULT_SIZE) -> Self:
        """Return the plan whose identifiers all follow from ``plan_digest``, the hash of what the build was asked."""

        def named(name: str) -> uuid.UUID:
            return uuid.uuid5(_NAMESPACE, f"{plan_digest}:{name}")

        serial = hashlib.sha256(f"{plan_digest}:esp".encode()).digest()[:4]
        return cls(
            root_uuid=named("root file system"),
            disk_guid=named("disk"),
            bios_guid=named("BIOS boot partition"),
            esp_guid=named("EFI system partition"),
            root_guid=named("root partition"),
            esp_volume_id=int.from_bytes(serial, "big"),
            hash_seed=named("hash seed"),
            epoch=epoch,
            size_bytes=size_bytes,
        )

    @property
    def esp_uuid(self) -> str:
        """The ESP's serial number as Linux and fstab(5) write it."""
        return f"{self.esp_volume_id >> 16:04X}-{self.esp_volume_id & 0xFFFF:04X}"
