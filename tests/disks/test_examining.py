"""What is said of disks from elsewhere: small ones with GRUB, whose root file systems hold just what is looked at."""

from __future__ import annotations

import shutil
import struct
import subprocess
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldsmith.disks import firmware
from goldsmith.disks.examining import Examination, examine
from goldsmith.disks.partitions import write_table
from goldsmith.disks.plan import MIB, DiskPlan

pytestmark = pytest.mark.sandbox

PLAN = DiskPlan.derive("examined", 1_700_000_000, 512 * MIB)
ELSEWHERE = UUID(int=7)
STATUS = b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n\n"


def elf(machine):
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(64)


WHOLE = {
    "usr/bin/dash": elf(62),
    "usr/bin/sh": "-> dash",
    "bin": "-> usr/bin",
    "etc/os-release": "-> ../usr/lib/os-release",
    "usr/lib/os-release": b'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/fstab": f"# a remark\nUUID={PLAN.root_uuid} / ext4 defaults 0 1\nUUID={PLAN.esp_uuid} /boot/efi vfat umask=0077 0 1\n".encode(),
    "boot/vmlinuz-6.1.0-1-amd64": b"kernel",
    "boot/grub/grub.cfg": b"linux /vmlinuz console=tty0 console=ttyS0,115200\n",
    "usr/lib/modules/6.1.0-1-amd64/modules.builtin": b"kernel/drivers/virtio/virtio_pci.ko\n",
    "usr/lib/modules/6.1.0-1-amd64/modules.dep": b"kernel/drivers/block/virtio_blk.ko:\nkernel/drivers/net/virtio_net.ko:\n",
    "lib": "-> usr/lib",
    "usr/bin/cloud-init": b"#!/usr/bin/python3\n",
    "etc/cloud/cloud.cfg.d/90_dpkg.cfg": b"datasource_list: [ NoCloud, Ec2,\n  None ]\n",
    "var/lib/dpkg/status": STATUS,
}  # fmt: skip


@pytest.fixture(scope="module")
def bootable(tmp_path_factory):
    """A disk with its table and boot loaders, and nothing on its root partition."""
    raw = tmp_path_factory.mktemp("bootable") / "disk.raw"
    with raw.open("wb") as file:
        file.truncate(PLAN.size_bytes)
    layout = write_table(PLAN, raw)
    firmware.install(PLAN, layout, raw)
    return raw, layout


@pytest.fixture
def made(bootable, tmp_path):
    """Make a disk whose root holds ``files``: bytes, or -> and where a link leads; None for no such file."""

    def make(files=None, **changed):
        raw, layout = tmp_path / "disk.raw", bootable[1]
        subprocess.run(["cp", "--sparse=always", bootable[0], raw], check=True)
        tree = tmp_path / "tree"
        for name, content in {**WHOLE, **(files or {})}.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.symlink_to(content.removeprefix("-> "))
            elif content is not None:
                path.write_bytes(content)
        formatted(raw, tree, layout.root.offset, layout.root.size, changed.get("options", ()))
        return raw

    return make


def formatted(raw, tree, offset, size, options=()):
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-U", str(PLAN.root_uuid), "-d", str(tree), *options,
         "-E", f"offset={offset},lazy_itable_init=1", str(raw), str(size // 4096)], check=True
    )  # fmt: skip


def said(seen: Examination, severity: str = "") -> str:
    assert all(each.mend for each in seen.findings)
    return "\n".join(each.message for each in seen.findings if severity in {"", each.severity})


def test_a_disk_with_everything_has_no_finding(made):
    assert examine(made()) == Examination(
        table="gpt",
        partitions=3,
        firmware=("uefi", "bios"),
        root="ext4",
        architecture="x86_64",
        system="Debian GNU/Linux 12 (bookworm)",
        kernels=("6.1.0-1-amd64",),
        cloud_init=True,
        os_release=WHOLE["usr/lib/os-release"].decode(),
        packages=STATUS,
        findings=(),
    )


@pytest.mark.parametrize(
    ("files", "severity", "expected"),
    [
        ({"usr/bin/dash": elf(183)}, "error", "Its programs are for arm64, and machines here are x86_64."),
        ({"usr/bin/dash": elf(243)}, "error", "Its programs are for ELF machine 243, and machines here are x86_64."),
        ({"boot/vmlinuz-6.1.0-1-amd64": None}, "warning", "No kernel is in /boot of its root file system."),
        (
            {"usr/lib/modules/6.1.0-1-amd64/modules.dep": b"kernel/drivers/net/virtio_net.ko:\n"},
            "warning",
            "The kernel 6.1.0-1-amd64 has no driver virtio_blk.",
        ),
        (
            {"etc/fstab": f"UUID={ELSEWHERE} / ext4 defaults 0 1\n".encode()},
            "error",
            f"/etc/fstab names UUID={ELSEWHERE} for /, which is not on the disk.",
        ),
        (
            {"etc/fstab": f"UUID={ELSEWHERE} /data ext4 defaults 0 1\n".encode()},
            "warning",
            f"/etc/fstab names UUID={ELSEWHERE} for /data, which is not on the disk.",
        ),
        ({"etc/fstab": f"UUID={ELSEWHERE} /data ext4 defaults,nofail 0 1\n".encode()}, "", ""),
        (
            {"boot/grub/grub.cfg": b"linux /vmlinuz quiet\n"},
            "warning",
            "Its kernel says nothing on the serial console.",
        ),
        (
            {"usr/bin/cloud-init": None},
            "warning",
            "It has no cloud-init: instances get no keys, no names and no user data.",
        ),
        ({"etc/cloud/cloud-init.disabled": b""}, "warning", "Its cloud-init is turned off."),
        (
            {"etc/cloud/cloud.cfg.d/91_more.cfg": b"datasource_list: [ 'OpenStack', None ]\n"},
            "warning",
            "Its cloud-init does not look for Ec2: openstack, none.",
        ),
        ({"etc/os-release": "-> /proc/../../../../../etc/../loop", "loop": "-> loop"}, "", ""),
        ({"etc/os-release": b'PRETTY_NAME="\x1b[31mred\x00"\n'}, "", ""),
    ],
)
def test_what_a_system_lacks(made, files, severity, expected):
    seen = examine(made(files))
    assert (said(seen), {each.severity for each in seen.findings}) == (expected, {severity} - {""})
    assert seen.system.isprintable()
    assert bool(seen.errors) is (severity == "error")


def test_a_disk_without_a_boot_loader_is_told_how_it_gets_one(tmp_path):
    tree, raw = tmp_path / "tree", tmp_path / "disk.raw"
    for name in ("etc", "usr"):
        (tree / name).mkdir(parents=True)
    with raw.open("wb") as file:
        file.truncate(16 * MIB)
    formatted(raw, tree, 0, 16 * MIB)
    seen = examine(raw)
    assert (seen.table, seen.partitions, seen.firmware, seen.root) == ("none", 0, (), "ext4")
    assert "It has no boot loader" in said(seen, "error")


def test_a_loader_for_arm64_is_named(bootable, made):
    raw = made()
    with raw.open("r+b") as file:
        file.write(bytes(440))
    esp = f"{raw}@@{bootable[1].esp.offset}"
    subprocess.run(["mren", "-i", esp, "::/EFI/BOOT/BOOTX64.EFI", "BOOTAA64.EFI"], check=True)
    assert said(examine(raw), "error") == "Its boot loader is for arm64, and machines here are x86_64."


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (["mkfs.xfs", "-q", "-f"], "XFS"),
        (["mkfs.btrfs", "-q", "-f"], "Btrfs"),
        (["mke2fs", "-q", "-F"], "an ext file system without a system in it"),
    ],
)
def test_a_root_that_is_not_read_is_named_and_no_error(bootable, tmp_path, make, expected):
    if not shutil.which(make[0]):
        pytest.skip(f"{make[0]} is not installed")
    raw, volume, root = tmp_path / "disk.raw", tmp_path / "volume", bootable[1].root
    subprocess.run(["cp", "--sparse=always", bootable[0], raw], check=True)
    with volume.open("wb") as file:
        file.truncate(root.size)
    subprocess.run([*make, volume], check=True)
    subprocess.run(
        ["dd", f"if={volume}", f"of={raw}", "bs=1M", f"seek={root.offset // MIB}", "conv=notrunc,sparse",
         "status=none"], check=True
    )  # fmt: skip
    seen = examine(raw)
    assert (seen.root, seen.cloud_init, seen.errors) == (expected, None, ())
    assert f"is not read here ({expected})" in said(seen, "warning")


def test_a_system_whose_journal_was_cut_is_said_to_be_so(bootable, made):
    raw = made()
    with raw.open("r+b") as file:
        at = bootable[1].root.offset + 1024 + 96
        file.seek(at)
        features = int.from_bytes(file.read(4), "little")
        file.seek(at)
        file.write((features | 4).to_bytes(4, "little"))
    seen = examine(raw)
    assert "was not unmounted" in said(seen, "warning")
    assert (seen.root, seen.errors) == ("ext4", ())


def test_a_table_that_leads_nowhere_is_damaged(bootable, tmp_path):
    raw = tmp_path / "disk.raw"
    subprocess.run(["cp", "--sparse=always", bootable[0], raw], check=True)
    with raw.open("r+b") as file:
        file.seek(512 + 72)
        file.write(((1 << 48) - 1).to_bytes(8, "little"))
    seen = examine(raw)
    assert (seen.table, said(seen, "error")) == ("damaged", "The disk's partition table (GPT) is damaged.")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file system with a system in it, as bytes, to be damaged."""
    folder = tmp_path_factory.mktemp("small")
    for name, content in WHOLE.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_bytes(content)
    image = folder / "fs"
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "1024", "-N", "128", "-O", "^has_journal,^resize_inode,^metadata_csum",
         "-d", folder / "tree", image, "1024"], check=True
    )  # fmt: skip
    return image.read_bytes()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_gives_findings_and_no_exception(small, tmp_path, data):
    disk = bytearray(small)
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, 200 << 10), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12)
    ):
        disk[at : at + len(value)] = value
    if data.draw(st.booleans()):
        disk[446:512] = data.draw(st.binary(min_size=64, max_size=64)) + b"\x55\xaa"
    if data.draw(st.booleans()):
        disk[512:604] = b"EFI PART" + data.draw(st.binary(min_size=84, max_size=84))
        disk[450], disk[510:512] = 0xEE, b"\x55\xaa"
    raw = tmp_path / "damaged.raw"
    raw.write_bytes(disk)
    assert isinstance(examine(raw), Examination)


@given(noise=st.binary(max_size=4096))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_has_no_boot_loader_or_a_damaged_table(tmp_path, noise):
    raw = tmp_path / "noise.raw"
    raw.write_bytes(noise)
    seen = examine(raw)
    assert seen.root == "" or seen.findings
