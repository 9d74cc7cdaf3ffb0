"""A disk that we made starts under both firmwares."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import time
import xml.etree.ElementTree as ET

import pytest

from goldsmith.disks.about import About
from goldsmith.disks.boot import boot_files
from goldsmith.disks.build import build_raw
from goldsmith.disks.formats import named
from goldsmith.disks.plan import GIB, DiskPlan
from goldsmith.disks.qcow2 import write_qcow2
from goldsmith.guests.workspace import Workspace

pytestmark = [pytest.mark.boots, pytest.mark.sandbox, pytest.mark.network]

PACKAGES = "linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,zstd,libcap2-bin"
FIRMWARE = {"efi": "uefi", "bios": "bios"}
INIT = """#!/bin/sh
mount -o remount,rw /
echo "DRIVERS $(readlink /sys/bus/pci/devices/*/driver | sed 's,.*/,,' | sort -u | xargs)"
touch /written && sync && mount -o remount,ro / && getcap /usr/bin/ping-like && echo "GOLDSMITH booted from $(cat /proc/cmdline)"
exec sleep 1000
"""
SETUP = """
mkdir -p etc/initramfs-tools/conf.d
printf 'MODULES=list\\nCOMPRESS=zstd\\n' >etc/initramfs-tools/conf.d/test
printf 'ext4\\nvirtio_pci\\nvirtio_blk\\nvmw_pvscsi\\nsd_mod\\nvmxnet3\\n' >etc/initramfs-tools/modules
"""
SEAL = """
cp bin/true usr/bin/ping-like; setcap cap_net_raw+ep usr/bin/ping-like
rm sbin/init; cat >sbin/init; chmod 755 sbin/init
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A raw disk of a minimal Debian whose init says that it runs."""
    home = tmp_path_factory.mktemp("boots")
    for parent in (home, home.parent, home.parent.parent):
        parent.chmod(0o755)
    plan = DiskPlan.derive("boots", 1_800_000_000, 2 * GIB)
    with Workspace(home, memory=3 * GIB) as workspace:
        root = workspace.path / "tree"
        workspace.run(
            ["mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase", f"--include={PACKAGES}",
             f'--setup-hook=cd "$1"; {SETUP}', "--skip=chroot/mount/sys,check/empty", "--skip=output/dev",
             "bookworm", str(root)]
        )  # fmt: skip
        for path, text in boot_files(plan).items():
            file = root / path[1:]
            workspace.run(["mkdir", "-p", str(file.parent)])
            workspace.run(["tee", str(file)], stdin=text.encode())
        workspace.run(["sh", "-euc", SEAL], cwd=root, stdin=INIT.encode())
        build_raw(workspace, root, plan, home / "disk.raw")
    return home / "disk.raw"


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_it_boots(disk, tmp_path, firmware):
    write_qcow2(disk, tmp_path / "disk.qcow2")
    boot(tmp_path, tmp_path / "disk.qcow2", "qcow2", firmware)


def test_an_ova_boots_on_the_machine_that_its_ovf_describes(disk, tmp_path):
    """Its VMDK is what the format vmdk writes. By BIOS: Debian's UEFI firmware knows no VMware controller."""
    named("ova").write(disk, tmp_path / "a.ova", about=About(name="a", boot_mode="legacy-bios"))
    with tarfile.open(tmp_path / "a.ova") as tar:
        tar.extractall(tmp_path, filter="data")
    root = ET.parse(tmp_path / "a.ovf")  # noqa: S314 - our own
    kinds = [element.text for element in root.iter() if element.tag.endswith("}ResourceSubType")]
    (firmware,) = (
        element.get("{http://www.vmware.com/schema/ovf}value")
        for element in root.iter("{http://www.vmware.com/schema/ovf}Config")
    )
    assert kinds == ["VirtualSCSI", "VmxNet3"]
    cards = ["-device", "pvscsi,id=scsi", "-device", "scsi-hd,bus=scsi.0,drive=disk", "-device", "vmxnet3"]
    console = boot(
        tmp_path, tmp_path / "a-disk1.vmdk", "vmdk", FIRMWARE[firmware], interface="none,id=disk", more=cards
    )
    assert {"vmw_pvscsi", "vmxnet3"} <= set(console.partition("DRIVERS ")[2].splitlines()[0].split())


@pytest.mark.parametrize(("form", "driver"), [("vmdk-sparse", "vmdk"), ("vhd", "vpc"), ("vhdx", "vhdx")])
def test_it_boots_in_every_format_that_qemu_reads(disk, tmp_path, form, driver):
    row = named(form)
    row.write(disk, tmp_path / f"disk{row.suffix}")
    boot(tmp_path, tmp_path / f"disk{row.suffix}", driver, "bios")


def boot(tmp_path, disk, driver, firmware, interface="virtio", more=()):
    """Start a machine with the disk until its init has said that it runs; return what its console said."""
    log = tmp_path / "serial.log"
    argv = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-machine", "q35", "-nodefaults", "-nographic",
        "-serial", f"file:{log}", "-drive", f"if={interface},format={driver},file={disk},snapshot=on", *more,
    ]  # fmt: skip
    if firmware == "uefi":
        variables = shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", tmp_path)
        argv += ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"]
        argv += ["-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
    machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and machine.poll() is None and b"GOLDSMITH booted" not in said(log):
            time.sleep(0.5)
        assert b"console=tty0 console=ttyS0,115200" in said(log).rpartition(b"GOLDSMITH booted")[2], said(log)[-3000:]
        return said(log).decode(errors="replace")
    finally:
        machine.kill()
        machine.wait()


def said(log):
    return log.read_bytes() if log.exists() else b""
