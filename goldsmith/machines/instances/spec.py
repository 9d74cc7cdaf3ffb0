"""What an instance is made of: its size, its network, its volumes. It outlives every run."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from goldsmith.machines.spec import Firmware

Protocol = Literal["tcp", "udp"]

NETWORK_HOST = "169.254.1.1"
NETWORK_NAMES = "169.254.1.3"
NETWORK_METADATA = "169.254.169.254"

_ID = re.compile(r"[a-z]{1,4}-[0-9a-f]{8,17}")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_UUID = re.compile(r"ec2[0-9a-f]{5}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class InstanceError(MachineError):
    """An instance or a volume could not do what it was asked to."""


class InstanceStartError(InstanceError):
    """An instance did not start; nothing of the attempt is left."""


class NoSuchInstanceError(InstanceError):
    """No instance has this id here."""


class NotRunningError(InstanceError):
    """What was asked needs a running instance."""


@dataclass(frozen=True)
class Forward:
    """A port of the instance's own loopback address that leads to a port of the guest."""

    protocol: Protocol
    host_port: int
    guest_port: int


@dataclass(frozen=True)
class AttachedVolume:
    """A volume as an instance sees it; ``device`` is the name of EC2 ("/dev/xvda"), the guest sees its serial."""

    volume_id: str
    device: str
    boot: bool = False

    @property
    def serial(self) -> str:
        """The disk's serial number in the guest, as on Nitro: vol0123456789abcdef0."""
        return self.volume_id.replace("-", "")


@dataclass(frozen=True)
class InstanceSpec:
    """An instance before and between its runs.

    ``memory`` is in MiB. ``mac`` and ``private_ip`` (169.254.a.b, of no other instance) are what its metadata says.
    ``uuid`` begins with "ec2" and never changes. ``address`` is where this host reaches it (127.x.y.z); left empty,
    one is drawn when the instance is made, and kept. Without ``outbound`` the guest reaches only its metadata; with
    it, also what listens on this host's loopback (QEMU's user network).
    """

    instance_id: str
    uuid: str
    mac: str
    private_ip: str
    volumes: tuple[AttachedVolume, ...]
    memory: int = 1024
    vcpus: int = 2
    firmware: Firmware = "uefi"
    instance_type: str = "t3.micro"
    address: str = ""
    forwards: tuple[Forward, ...] = ()
    outbound: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the spec as instance.json holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> InstanceSpec:
        """Return the spec that `as_json` wrote."""
        volumes = tuple(AttachedVolume(**volume) for volume in record["volumes"])
        forwards = tuple(Forward(**forward) for forward in record["forwards"])
        return cls(**{**record, "volumes": volumes, "forwards": forwards})


def require_id(identifier: str) -> str:
    """Return an id that is one ("i-…", "vol-…") and so may name a folder; InstanceError for any other text."""
    if not _ID.fullmatch(identifier):
        raise InstanceError(f"{identifier!r} is no id of an instance or a volume.")
    return identifier


def require_sound(spec: InstanceSpec) -> None:
    """Raise InstanceError for what QEMU or the guest's network could not take."""
    require_id(spec.instance_id)
    for volume in spec.volumes:
        require_id(volume.volume_id)
    faults = [
        (not _UUID.fullmatch(spec.uuid), f"The UUID {spec.uuid!r} does not begin with ec2 as EC2's do."),
        (not _MAC.fullmatch(spec.mac) or int(spec.mac[:2], 16) & 1, f"{spec.mac!r} is no MAC address of one card."),
        (not _TYPE.fullmatch(spec.instance_type), f"{spec.instance_type!r} is no instance type."),
        (not _is_private(spec.private_ip), f"{spec.private_ip!r} is no address that an instance can have here."),
        (bool(spec.address) and not _is_loopback(spec.address), f"{spec.address!r} is no loopback address."),
        (spec.memory < 1 or spec.vcpus < 1, "An instance needs memory and a processor."),
        (sum(volume.boot for volume in spec.volumes) > 1, "An instance boots from one volume."),
        (len({volume.volume_id for volume in spec.volumes}) != len(spec.volumes), "A volume is attached twice."),
        (len({volume.device for volume in spec.volumes}) != len(spec.volumes), "Two volumes have one device name."),
    ]
    for wrong, said in faults:
        if wrong:
            raise InstanceError(said)


def _is_private(text: str) -> bool:
    """Whether the guest's network, 169.254.0.0/16, can give this address to a guest."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    taken = {NETWORK_HOST, NETWORK_NAMES, NETWORK_METADATA, "169.254.0.0", "169.254.255.255"}
    return address.is_link_local and str(address) not in taken


def _is_loopback(text: str) -> bool:
    try:
        return IPv4Address(text).is_loopback
    except ValueError:
        return False
