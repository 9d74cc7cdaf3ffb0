"""Images of every format are read; those that would have QEMU open other files of this host are refused before it does."""

from __future__ import annotations

import io
import json
import lzma
import struct
import subprocess
import tarfile

import pytest
import zstandard

from goldsmith.disks import room
from goldsmith.disks.containers import KINDS, kind_of, to_raw
from goldsmith.disks.formats import FORMATS
from goldsmith.disks.plan import GIB, MIB, DiskError
from goldsmith.disks.unpacking import unpack
from goldsmith.disks.vhd import write_vhd
from goldsmith.disks.vhdx import write_vhdx

pytestmark = pytest.mark.sandbox


def create(*argv):
    subprocess.run(["qemu-img", "create", "-q", *map(str, argv)], check=True)


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"secret" * 20_000)
    return file


def assert_refused(image, kind, words, tmp_path):
    output = tmp_path / "out.raw"
    with pytest.raises(DiskError, match=words):
        to_raw(image, kind, output)
    assert not output.exists()


def test_a_backing_file(tmp_path, secret):
    create("-f", "qcow2", "-F", "raw", "-b", secret, tmp_path / "d.qcow2")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "a backing file", tmp_path)


def test_a_data_file(tmp_path, secret):
    create("-f", "qcow2", "-o", f"data_file={tmp_path / 'data'},data_file_raw=on", tmp_path / "d.qcow2", "1M")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "a data file", tmp_path)


def test_a_vmdk_of_extents(tmp_path, secret):
    image = tmp_path / "d.vmdk"
    image.write_text(
        '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
        f'RW 100 FLAT "{secret}" 0\n'
    )
    assert_refused(image, "vmdk", "other files", tmp_path)


def test_a_vmdk_with_a_parent(tmp_path):
    create("-f", "vmdk", tmp_path / "parent.vmdk", "1M")
    create("-f", "vmdk", "-F", "vmdk", "-b", tmp_path / "parent.vmdk", tmp_path / "d.vmdk")
    assert_refused(tmp_path / "d.vmdk", "vmdk", "a parent disk", tmp_path)


@pytest.mark.parametrize("kind", ["qcow2", "vmdk"])
def test_another_format_under_a_name_it_does_not_have(tmp_path, secret, kind):
    assert_refused(secret, kind, f"is not a {kind} image", tmp_path)


def test_a_disk_too_large_to_read(tmp_path):
    create("-f", "qcow2", tmp_path / "d.qcow2", "2T")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "2048 GiB", tmp_path)


@pytest.mark.parametrize(
    ("kind", "options"), [("qcow2", []), ("vmdk", []), ("vmdk", ["-o", "subformat=streamOptimized"])]
)
def test_an_image_that_is_whole(tmp_path, secret, kind, options):
    image = tmp_path / "a name, with=odd:letters"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, secret, f"file:{image}"], check=True)
    output = tmp_path / "out.raw"
    to_raw(image, kind, output)
    assert output.read_bytes().startswith(secret.read_bytes())
    shown = subprocess.run(["qemu-img", "info", "--output=json", "-f", "raw", output], capture_output=True, check=True)
    assert json.loads(shown.stdout)["virtual-size"] == -(-len(secret.read_bytes()) // 512) * 512


def test_a_vmdk_without_capacity_is_a_list_of_files(tmp_path, secret):
    """QEMU then reads its descriptor, which may name any file (block/vmdk.c, vmdk_open_vmdk4)."""
    text = f'# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 64 FLAT "{secret}" 0\n'
    header = struct.pack("<4sIIQQQQIQQQB4sH433x", b"KDMV", 1, 3, 0, 128, 1, 20, 512, 21, 26, 128, 0, b"\n \r\n", 0)
    (tmp_path / "d.vmdk").write_bytes(header + text.encode().ljust(20 * 512, b"\0"))
    assert_refused(tmp_path / "d.vmdk", "vmdk", "other files", tmp_path)


def test_a_vhd_or_vhdx_with_a_parent(tmp_path):
    raw = make(tmp_path / "disk.raw", MIB)
    write_vhd(raw, tmp_path / "d.vhd")
    data = bytearray((tmp_path / "d.vhd").read_bytes())
    data[-512 + 63] = 4
    (tmp_path / "d.vhd").write_bytes(data)
    assert_refused(tmp_path / "d.vhd", "vhd", "a parent disk", tmp_path)
    write_vhdx(raw, tmp_path / "d.vhdx")
    data = bytearray((tmp_path / "d.vhdx").read_bytes())
    data[2 * MIB + 65536 + 4] |= 2
    (tmp_path / "d.vhdx").write_bytes(data)
    assert_refused(tmp_path / "d.vhdx", "vhdx", "a parent disk", tmp_path)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_format_is_read_and_known_by_what_is_in_it(tmp_path, name):
    raw = make(tmp_path / "disk.raw", 3 * MIB)
    image = tmp_path / "an image, of a kind"
    FORMATS[name].write(raw, image)
    assert kind_of(image) == name
    heard = []
    to_raw(image, name, tmp_path / "out.raw", progress=lambda *far: heard.append(far))
    assert (tmp_path / "out.raw").read_bytes() == raw.read_bytes()
    whole = image.stat().st_size if name in {"raw.xz", "raw.zst"} else 3 * MIB
    assert heard == sorted(heard)
    assert heard[-1] == (whole, whole)
    assert (tmp_path / "out.raw").stat().st_blocks * 512 < MIB + 4096


def test_what_is_a_tar_and_what_is_nothing(tmp_path):
    with tarfile.open(tmp_path / "a", "w") as tar:
        tar.add(__file__, "file")
    (tmp_path / "b").write_bytes(lzma.compress((tmp_path / "a").read_bytes()))
    (tmp_path / "c").write_bytes(zstandard.compress((tmp_path / "a").read_bytes()))
    assert [kind_of(tmp_path / name) for name in "abc"] == ["tar"] * 3
    (tmp_path / "d").write_bytes(b"letter" * 1000)
    with pytest.raises(DiskError, match="no disk of a kind"):
        kind_of(tmp_path / "d")


@pytest.mark.parametrize(("kind", "pack"), [("raw.xz", lzma.compress), ("raw.zst", zstandard.compress)])
def test_compressed_disks_have_limits(tmp_path, kind, pack):
    disk = b"a" * MIB + bytes(700)
    image, output = tmp_path / "disk", tmp_path / "out.raw"
    image.write_bytes(pack(disk) + pack(b"more"))
    to_raw(image, kind, output)
    assert output.read_bytes() == (disk + b"more").ljust(MIB + 1024, b"\0")
    with pytest.raises(DiskError, match="more than the 0 GiB"):
        unpack(image, kind, output, largest=MIB, seconds=60)
    with pytest.raises(DiskError, match="in 0 seconds"):
        unpack(image, kind, output, largest=GIB, seconds=0)
    for broken in (image.read_bytes()[:-5], image.read_bytes() + b"more", b"letters"):
        image.write_bytes(broken)
        with pytest.raises(DiskError, match="could not be unpacked"):
            to_raw(image, kind, output)
    image.write_bytes(pack(b""))
    with pytest.raises(DiskError, match="empty"):
        to_raw(image, kind, output)


@pytest.mark.parametrize("kind", ["raw", "raw.xz"])
def test_a_disk_that_does_not_fit(tmp_path, monkeypatch, kind):
    raw = make(tmp_path / "disk.raw", 3 * MIB)
    FORMATS[kind].write(raw, tmp_path / "image")
    monkeypatch.setattr(room.require_room, "__kwdefaults__", {"spare": 1 << 60})
    assert_refused_for_room(tmp_path / "image", kind, tmp_path / "out.raw")


def assert_refused_for_room(image, kind, output):
    with pytest.raises(DiskError, match=r"This takes \d+ MiB, and there are 0 MiB"):
        to_raw(image, kind, output)


def rewrite(ova, change):
    """Pack an appliance anew, its members' contents changed."""
    with tarfile.open(ova) as tar:
        members = [(name, tar.extractfile(name).read()) for name in tar.getnames()]
    with tarfile.open(ova, "w") as tar:
        for name, content in change(dict(members)).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def flipped(members):
    return {name: data[:-1] + b"x" if name.endswith("vmdk") else data for name, data in members.items()}


def without_disk(members):
    return {name: data for name, data in members.items() if not name.endswith("vmdk")}


def a_list_of_files(members):
    text = b'# Disk DescriptorFile\ncreateType="monolithicFlat"\nRW 1 FLAT "/etc/passwd" 0\n'
    return {name: text if name.endswith("vmdk") else data for name, data in members.items() if "mf" not in name}


def of_entities(members):
    return dict.fromkeys(members, b'<!DOCTYPE a [<!ENTITY b "c">]><a/>')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flipped, "not what its manifest says"),
        (without_disk, "lacks the disk"),
        (a_list_of_files, "other files"),
        (of_entities, "declares entities"),
    ],
)
def test_an_appliance_that_somebody_changed(tmp_path, change, said):
    FORMATS["ova"].write(make(tmp_path / "disk.raw", MIB), tmp_path / "d.ova")
    rewrite(tmp_path / "d.ova", change)
    assert_refused(tmp_path / "d.ova", "ova", said, tmp_path)


def make(path, size):
    """Write a disk that has a boot sector's mark and something at its end."""
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(510)
        file.write(b"\x55\xaa")
        file.seek(size - 5)
        file.write(b"hello")
    return path
