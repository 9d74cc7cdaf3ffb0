"""A raw disk becomes an OVA: a tar of the machine's description (OVF), the files' checksums and a streamOptimized VMDK.

Formats: DMTF DSP0243 1.1.1 (OVF) and DSP8023 (its schema), CIM's numbers of resources and systems. The disk is
written straight into the tar; the text before it, whose length is settled first, when the disk's is known.
"""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.pieces import whole_file
from goldsmith.disks.vmdk import GRAIN, file_name, write_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

BLOCK = 512
_CHUNK = 1 << 20
_LONGEST_NUMBER = 10**18
_USTAR_LARGEST = 8 << 30
_SYSTEMS = {"debian": (96, "debian10_64Guest"), "ubuntu": (94, "ubuntu64Guest")}
"""CIM's number and VMware's name of the newest guest that hardware of version 13 knows."""

_OTHER_SYSTEM = (101, "otherLinux64Guest")
_NAMESPACES = " ".join(
    f'{prefix}="{name}"'
    for prefix, name in (
        ("xmlns", "http://schemas.dmtf.org/ovf/envelope/1"),
        ("xmlns:ovf", "http://schemas.dmtf.org/ovf/envelope/1"),
        ("xmlns:rasd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"),
        ("xmlns:vssd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"),
        ("xmlns:vmw", "http://www.vmware.com/schema/ovf"),
    )
)


def write_ova(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,  # noqa: ARG001 - the same
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the disk ``raw`` as an OVA. On failure no output is left."""
    name = file_name(about.name)
    disk = f"{name}-disk1.vmdk"
    capacity = -(-raw.stat().st_size // GRAIN) * GRAIN
    longest = len(description(about, disk, capacity, _LONGEST_NUMBER, _LONGEST_NUMBER))
    text_length = -(-longest // BLOCK) * BLOCK
    manifest_length = len(_manifest(name, bytes(32), disk, bytes(32)))
    disk_at = 3 * BLOCK + text_length + -(-manifest_length // BLOCK) * BLOCK
    with whole_file(output) as target:
        target.seek(disk_at)
        size, populated = write_stream(raw, target, disk, progress)
        target.write(bytes(-size % BLOCK + 2 * BLOCK))
        text = description(about, disk, capacity, size, populated).ljust(text_length, b"\n")
        manifest = _manifest(name, hashlib.sha256(text).digest(), disk, _digest(target, disk_at, size))
        target.seek(0)
        target.write(_member(f"{name}.ovf", len(text), about.epoch) + text)
        target.write(_member(f"{name}.mf", len(manifest), about.epoch) + manifest + bytes(-len(manifest) % BLOCK))
        target.write(_member(disk, size, about.epoch))


def description(about: About, disk: str, capacity: int, size: int, populated: int) -> bytes:
    """Return the OVF: two processors, 2 GiB, a paravirtual SCSI disk and a VMXNET3.

    Debian's kernel for clouds has drivers for these two, and for no AHCI, LSI Logic or E1000.
    ``capacity`` is the disk's bytes, ``size`` its file's, ``populated`` those of its grains.
    """
    number, system = _SYSTEMS.get(about.distribution.partition("/")[0], _OTHER_SYSTEM)
    firmware = "bios" if about.boot_mode == "legacy-bios" else "efi"
    name = file_name(about.name)
    product = "".join(
        f"      <{tag}>{escape(_printable(value))}</{tag}>\n"
        for tag, value in (("Product", about.name), ("Version", about.version))
        if value
    )
    said = escape(_printable(about.description))
    annotation = (
        f"    <AnnotationSection>\n      <Info>What it is</Info>\n      <Annotation>{said}</Annotation>\n"
        "    </AnnotationSection>\n"
        if said
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Envelope {_NAMESPACES}>
  <References>
    <File ovf:href={quoteattr(disk)} ovf:id="file1" ovf:size="{size}"/>
  </References>
  <DiskSection>
    <Info>The disks</Info>
    <Disk ovf:capacity="{capacity}" ovf:capacityAllocationUnits="byte" ovf:diskId="vmdisk1" ovf:fileRef="file1"\
 ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"\
 ovf:populatedSize="{populated}"/>
  </DiskSection>
  <NetworkSection>
    <Info>The networks</Info>
    <Network ovf:name="VM Network">
      <Description>The network that gives it an address</Description>
    </Network>
  </NetworkSection>
  <VirtualSystem ovf:id={quoteattr(name)}>
    <Info>A machine</Info>
    <Name>{escape(_printable(about.name))}</Name>
    <OperatingSystemSection ovf:id="{number}" vmw:osType="{system}">
      <Info>Its operating system</Info>
    </OperatingSystemSection>
{annotation}    <ProductSection>
      <Info>The image</Info>
{product}    </ProductSection>
    <VirtualHardwareSection>
      <Info>Its hardware</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:ElementName>2 processors</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>2</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:ElementName>2048 MiB of memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>2048</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:Address>0</rasd:Address>
        <rasd:ElementName>SCSI controller</rasd:ElementName>
        <rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>
        <rasd:ResourceType>6</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:AddressOnParent>0</rasd:AddressOnParent>
        <rasd:ElementName>Disk 1</rasd:ElementName>
        <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
        <rasd:InstanceID>4</rasd:InstanceID>
        <rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:AddressOnParent>0</rasd:AddressOnParent>
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>VM Network</rasd:Connection>
        <rasd:ElementName>Network card 1</rasd:ElementName>
        <rasd:InstanceID>5</rasd:InstanceID>
        <rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType>
      </Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="{firmware}"/>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
""".encode()


def _manifest(name: str, text: bytes, disk: str, content: bytes) -> bytes:
    return f"SHA256({name}.ovf)= {text.hex()}\nSHA256({disk})= {content.hex()}\n".encode()


def _member(name: str, size: int, epoch: int) -> bytes:
    """Return a member's header: as POSIX has it, but for files that only GNU's can tell the size of."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, epoch, 0o644
    return member.tobuf(tarfile.USTAR_FORMAT if size < _USTAR_LARGEST else tarfile.GNU_FORMAT)


def _digest(target: BinaryIO, begin: int, length: int) -> bytes:
    digest = hashlib.sha256()
    target.seek(begin)
    while length:
        chunk = target.read(min(_CHUNK, length))
        digest.update(chunk)
        length -= len(chunk)
    return digest.digest()


def _printable(text: str) -> str:
    """Return a text without what XML cannot say."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
