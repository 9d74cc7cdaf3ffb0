"""Each format holds the disk it was made of, byte for byte, by the word of other programs that read it; twice the same."""

from __future__ import annotations

import hashlib
import lzma
import os
import random
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldsmith.disks.about import About
from goldsmith.disks.formats import FORMATS
from goldsmith.disks.ova import description

pytestmark = pytest.mark.sandbox

MIB = 1 << 20
ABOUT = About(
    name="web & server", version="1.0.0", description="a <b> \x00", distribution="debian/12", epoch=1_800_000_000
)
READ_BY_QEMU = {"vmdk": "vmdk", "vmdk-sparse": "vmdk", "vhd": "vpc", "vhdx": "vhdx", "qcow2": "qcow2", "raw": "raw"}
WRITTEN = [*READ_BY_QEMU, "ova", "raw.xz", "raw.zst"]


def make(path, size, stretches):
    generator = random.Random(5)  # noqa: S311 - contents, not secrets
    with path.open("wb") as file:
        file.truncate(size)
        for at, length in stretches:
            file.seek(at)
            file.write(generator.randbytes(min(length, max(0, size - at))))
    return path


def read_back(file, name, folder):
    """Give the disk's bytes as a program that is not ours reads them."""
    if name == "raw.xz":
        return lzma.decompress(file.read_bytes())
    if name == "raw.zst":
        with zstandard.ZstdDecompressor().stream_reader(file.read_bytes()) as reader:
            return reader.read()
    kind = READ_BY_QEMU.get(name, "vmdk")
    if name == "ova":
        with tarfile.open(file) as tar:
            tar.extractall(folder / "ova", filter="data")
        (file,) = (folder / "ova").glob("*.vmdk")
    raw = folder / "back.raw"
    subprocess.run(["qemu-img", "convert", "-f", kind, "-O", "raw", file, raw], check=True)
    return raw.read_bytes()


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sectors=st.integers(1, 80 * 2048),
    stretches=st.lists(st.tuples(st.integers(0, 80 * MIB), st.integers(1, MIB)), max_size=4),
)
def test_a_disk_comes_back(tmp_path_factory, name, sectors, stretches):
    folder = tmp_path_factory.mktemp("disk")
    raw = make(folder / "disk.raw", sectors * 512, [(at % (sectors * 512), length) for at, length in stretches])
    FORMATS[name].write(raw, folder / "a", about=ABOUT)
    FORMATS[name].write(raw, folder / "b", about=ABOUT)
    assert hashlib.sha256((folder / "a").read_bytes()).digest() == hashlib.sha256((folder / "b").read_bytes()).digest()
    source, back = raw.read_bytes(), read_back(folder / "a", name, folder)
    assert back[: len(source)] == source
    assert not any(back[len(source) :])
    assert len(back) - len(source) < MIB


@pytest.mark.parametrize("name", ["qcow2", "vmdk", "vmdk-sparse", "vhdx"])
def test_qemu_finds_no_fault(tmp_path, name):
    raw = make(tmp_path / "disk.raw", 4200 * MIB, [(0, MIB), (2100 * MIB, MIB), (4199 * MIB, MIB)])
    FORMATS[name].write(raw, tmp_path / "out", about=ABOUT)
    subprocess.run(["qemu-img", "check", "-q", "-f", READ_BY_QEMU[name], tmp_path / "out"], check=True)
    compare = ["qemu-img", "compare", "-q", "-f", "raw", "-F", READ_BY_QEMU[name], raw, tmp_path / "out"]
    subprocess.run(compare, check=True)


def test_a_vhd_has_whole_mib_and_a_footer(tmp_path):
    raw = make(tmp_path / "disk.raw", 3 * MIB + 512, [(0, 512)])
    FORMATS["vhd"].write(raw, tmp_path / "out.vhd", about=ABOUT)
    assert (tmp_path / "out.vhd").stat().st_size == 4 * MIB + 512
    footer = (tmp_path / "out.vhd").read_bytes()[-512:]
    assert footer.startswith(b"conectix")
    assert int.from_bytes(footer[64:68], "big") == ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF


def test_an_ova_describes_its_disk_and_has_true_checksums(tmp_path):
    raw = make(tmp_path / "disk.raw", 3 * MIB, [(0, MIB)])
    FORMATS["ova"].write(raw, tmp_path / "out.ova", about=ABOUT)
    with tarfile.open(tmp_path / "out.ova") as tar:
        names = tar.getnames()
        contents = {name: tar.extractfile(name).read() for name in names}
    assert names == ["web-server.ovf", "web-server.mf", "web-server-disk1.vmdk"]
    for line in contents["web-server.mf"].decode().splitlines():
        name, _, digest = line.removeprefix("SHA256(").partition(")= ")
        assert hashlib.sha256(contents[name]).hexdigest() == digest
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    root = ET.fromstring(contents["web-server.ovf"])  # noqa: S314 - our own
    assert root.find(f".//{ovf}File").get(f"{ovf}size") == str(len(contents["web-server-disk1.vmdk"]))
    disk = root.find(f".//{ovf}Disk")
    assert (disk.get(f"{ovf}capacity"), disk.get(f"{ovf}populatedSize")) == (str(3 * MIB), str(MIB))
    assert root.find(f".//{ovf}OperatingSystemSection").get(f"{ovf}id") == "96"


def test_an_ovf_is_as_dsp0243_wants_it(tmp_path):
    """Its parts come in the schema's order, have what they must, and name only what is there (DSP0243 1.1, 7 to 9)."""
    root = ET.fromstring(description(ABOUT, "a-disk1.vmdk", 3 * MIB, MIB, MIB))  # noqa: S314 - our own
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    assert [part.tag.removeprefix(ovf) for part in root] == [
        "References", "DiskSection", "NetworkSection", "VirtualSystem",
    ]  # fmt: skip
    machine = root.find(f"{ovf}VirtualSystem")
    assert [part.tag.removeprefix(ovf) for part in machine][:2] == ["Info", "Name"]
    sections = [part for part in root.iter() if part.tag.endswith("Section")]
    assert all(section[0].tag == f"{ovf}Info" for section in sections)
    assert len({section.tag for section in sections}) == len(sections)
    (file,), (disk,) = root.iter(f"{ovf}File"), root.iter(f"{ovf}Disk")
    assert disk.get(f"{ovf}fileRef") == file.get(f"{ovf}id")
    rasd = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
    items = [
        {part.tag.removeprefix(rasd): part.text for part in item if part.tag.startswith(rasd)}
        for item in machine.iter(f"{ovf}Item")
    ]
    assert all(
        list(item) == sorted(item) and {"ElementName", "InstanceID", "ResourceType"} <= set(item) for item in items
    )
    ids = [item["InstanceID"] for item in items]
    assert len(set(ids)) == len(ids)
    assert {item["Parent"] for item in items if "Parent" in item} <= set(ids)
    assert [item["HostResource"] for item in items if item["ResourceType"] == "17"] == [
        f"ovf:/disk/{disk.get(f'{ovf}diskId')}"
    ]
    networks = [network.get(f"{ovf}name") for network in root.iter(f"{ovf}Network")]
    assert [item["Connection"] for item in items if item["ResourceType"] == "10"] == networks


@pytest.mark.skipif(
    "GOLDSMITH_DMTF_SCHEMAS" not in os.environ, reason="GOLDSMITH_DMTF_SCHEMAS names no folder of DMTF's"
)
@pytest.mark.parametrize("boot_mode", ["uefi-preferred", "legacy-bios"])
def test_an_ovf_validates(tmp_path, boot_mode):
    ovf, schema = tmp_path / "a.ovf", f"{os.environ['GOLDSMITH_DMTF_SCHEMAS']}/dsp8023_1.1.1.xsd"
    ovf.write_bytes(description(replace(ABOUT, boot_mode=boot_mode), "a-disk1.vmdk", 3 * MIB, MIB, MIB))
    argv = ["xmllint", "--nonet", "--noout", "--schema", schema, ovf]
    subprocess.run(argv, check=True)
    ovf.write_bytes(ovf.read_bytes().replace(b"<Info>Its hardware</Info>", b""))
    assert subprocess.run(argv, check=False, capture_output=True).returncode == 3


@pytest.mark.parametrize("name", WRITTEN)
def test_a_failure_leaves_nothing(tmp_path, name):
    raw = make(tmp_path / "disk.raw", 3 * MIB, [(0, MIB)])

    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        FORMATS[name].write(raw, tmp_path / "out", about=ABOUT, progress=full)
    assert [each.name for each in tmp_path.iterdir()] == ["disk.raw"]
