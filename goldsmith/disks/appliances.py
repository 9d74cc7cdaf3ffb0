"""OVA: a tar with a description (OVF) of a machine and its disks (DMTF DSP0243, "Open Virtualization Format")."""

from __future__ import annotations

import hashlib
import re
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.disks.brought import Brought
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_TEXT = 1 << 20
"""Bytes of an OVF or manifest."""

MOST_MEMBERS = 64
MOST_DISKS = 21
CHUNK = 1 << 20
DISK_ITEM = "17"
"""The resource type of disks (DMTF CIM, CIM_ResourceAllocationSettingData)."""

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
_DIGEST = re.compile(r"(SHA1|SHA256|SHA512)\s*\(([^)]+)\)\s*=\s*([0-9a-fA-F]+)")


@dataclass(frozen=True)
class Appliance:
    """What an OVF says: the files of its disks in the order in which the machine has them."""

    disks: tuple[str, ...]


def machine_disks(ova: Path) -> list[Brought]:
    """Return where in an OVA the disks of its machine are, in the machine's order.

    Only members that the OVF names count; what the manifest says of them has to hold. Raises DiskError for an OVA
    that is none, or has what is not taken.
    """
    try:
        with tarfile.open(ova, "r:") as tar:
            members = _members(tar)
            description = next((name for name in members if name.endswith(".ovf")), None)
            if description is None:
                raise DiskError("The OVA has no OVF description.", mend="Export the appliance anew.")
            appliance = read_description(_text(tar, members[description]))
            digests = _digests(tar, members)
    except tarfile.TarError as wrong:
        raise DiskError(f"The OVA is no tar: {wrong}.", mend="Export the appliance anew.") from wrong
    missing = next((name for name in appliance.disks if name not in members), None)
    if missing is not None:
        raise DiskError(f"The OVA lacks the disk {missing} that its OVF names.", mend="Export it anew.")
    return [_disk(ova, members[name], digests.get(name)) for name in appliance.disks]


def read_description(text: bytes) -> Appliance:
    """Return what an OVF says of disks. Raises DiskError for one that is malformed, or whose disks are not taken."""
    if b"<!" in text.replace(b"<!--", b""):
        raise DiskError("The OVF declares entities or a document type, which no OVF needs.")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no declarations, and small
    except ET.ParseError as wrong:
        raise DiskError(f"The OVF is no XML: {wrong}.") from wrong
    files = {}
    for file in root.iter(f"{_OVF}File"):
        if file.get(f"{_OVF}compression") not in {None, "", "identity"} or file.get(f"{_OVF}chunkSize"):
            raise DiskError("The OVA's disks are compressed or in pieces.", mend="Export it with plain VMDK disks.")
        files[file.get(f"{_OVF}id", "")] = file.get(f"{_OVF}href", "")
    disks = {
        disk.get(f"{_OVF}diskId", ""): files.get(disk.get(f"{_OVF}fileRef", ""), "")
        for disk in root.iter(f"{_OVF}Disk")
    }
    places = sorted(
        (_number(item, "Parent"), _number(item, "AddressOnParent"), order, _host_resource(item))
        for order, item in enumerate(root.iter(f"{_OVF}Item"))
        if item.findtext(f"{_RASD}ResourceType") == DISK_ITEM
    )
    attached = [disks.get(disk, "") for *_, disk in places]
    if not attached or not all(attached) or len(set(attached)) != len(attached):
        raise DiskError("The OVF does not tell which files are the machine's disks.", mend="Export it anew.")
    if len(attached) > MOST_DISKS:
        raise DiskError(f"The OVA has {len(attached)} disks; at most {MOST_DISKS} are taken.")
    return Appliance(tuple(attached))


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        if len(members) >= MOST_MEMBERS:
            raise DiskError(f"The OVA has more than {MOST_MEMBERS} files.")
        if member.isreg() and not member.issparse():
            members.setdefault(member.name, member)
    return members


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > LARGEST_TEXT:
        raise DiskError(f"{member.name[:200]} in the OVA is longer than a description is.")
    file = tar.extractfile(member)
    return file.read() if file else b""


def _digests(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> dict[str, tuple[str, str]]:
    manifest = next((name for name in members if name.endswith(".mf")), None)
    if manifest is None:
        return {}
    found = _DIGEST.findall(_text(tar, members[manifest]).decode(errors="replace"))
    return {name: (kind.lower(), digest.lower()) for kind, name, digest in found}


def _disk(ova: Path, member: tarfile.TarInfo, wanted: tuple[str, str] | None) -> Brought:
    """Return a member's stretch with the zeros that fill its last block, which QEMU wants to be whole."""
    there = ova.stat().st_size - member.offset_data
    length = -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if length > there:
        raise DiskError(f"The OVA ends within {member.name[:200]}.", mend="Copy the OVA anew.")
    if wanted:
        digest = hashlib.new(wanted[0], usedforsecurity=False)
        with ova.open("rb") as file:
            file.seek(member.offset_data)
            left = member.size
            while left and (chunk := file.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
        if digest.hexdigest() != wanted[1]:
            raise DiskError(f"{member.name[:200]} in the OVA is not what its manifest says.", mend="Copy the OVA anew.")
    return Brought(ova, member.offset_data, length)


def _number(item: ET.Element, name: str) -> int:
    text = (item.findtext(f"{_RASD}{name}") or "0").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _host_resource(item: ET.Element) -> str:
    resource = (item.findtext(f"{_RASD}HostResource") or "").strip()
    return resource.rpartition("/")[2]
