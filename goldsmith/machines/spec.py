"""What a machine is made of, before it exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from goldsmith.guests.guest import GuestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Firmware = Literal["uefi", "bios"]
DiskFormat = Literal["raw", "qcow2"]


class MachineError(GuestError):
    """A machine could not be started or is gone: as a guest, it can run nothing more."""


@dataclass(frozen=True)
class MachineSpec:
    """A machine to boot from ``disk``, which is never written: the machine writes to an overlay of its own.

    ``memory`` is in MiB. ``user`` is the image's default user, to whom cloud-init gives the keys. ``evidence``
    is the folder for the console's log, the screenshot and the boot report. Without ``outbound`` the machine
    reaches nothing but its metadata; with it, it also reaches what listens on this host's loopback (QEMU's user
    network). ``launch_values`` replaces fields of InstanceMetadata, as ``instance_type``.
    """

    disk: Path
    evidence: Path
    format: DiskFormat = "raw"
    firmware: Firmware = "uefi"
    memory: int = 1024
    vcpus: int = 2
    user: str = "admin"
    user_data: bytes | None = None
    public_keys: Mapping[str, str] = field(default_factory=dict)
    launch_values: Mapping[str, object] = field(default_factory=dict)
    outbound: bool = True
