"""A tree becomes a disk, and the disk becomes the tree again."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import subprocess

import pytest
from dissect.extfs import ExtFS
from dissect.util.stream import RangeStream

from goldsmith.disks.boot import boot_files
from goldsmith.disks.build import build_raw
from goldsmith.disks.ext4.groups import FullError
from goldsmith.disks.packing import Packing
from goldsmith.disks.partitions import Layout
from goldsmith.disks.plan import MIB
from goldsmith.disks.qcow2 import write_qcow2
from goldsmith.disks.tree_files import export_tree

from .conftest import make_with_boot_files
from .sample_tree import CAP_NET_RAW, describe

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def disk(workspace, tree, plan, tmp_path_factory):
    output = tmp_path_factory.mktemp("disk") / "disk.raw"
    build_raw(workspace, tree, plan, output)
    return output


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_every_tool_finds_it_sound(disk, plan, tmp_path):
    assert (
        "No errors" in subprocess.run(["sfdisk", "--verify", disk], capture_output=True, text=True, check=True).stdout
    )
    root = Layout.of(plan).root
    checked = subprocess.run(
        ["e2fsck", "-fn", f"{disk}?offset={root.offset}"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    listed = subprocess.run(
        ["mdir", "-i", f"{disk}@@{Layout.of(plan).esp.offset}", "-b", "::/EFI/BOOT"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "BOOTX64.EFI" in listed
    esp = tmp_path / "esp"
    with disk.open("rb") as file:
        file.seek(Layout.of(plan).esp.offset)
        esp.write_bytes(file.read(Layout.of(plan).esp.size))
    subprocess.run(["fsck.fat", "-n", esp], check=True, capture_output=True)
    assert disk.stat().st_blocks * 512 < 64 * MIB


def test_the_root_is_the_last_partition_and_identifiers_are_the_plans(disk, plan):
    table = subprocess.run(["sfdisk", "--dump", disk], capture_output=True, text=True, check=True).stdout.lower()
    for guid in (plan.disk_guid, plan.root_guid, plan.bios_guid, plan.esp_guid):
        assert str(guid) in table
    layout = Layout.of(plan)
    assert layout.root.offset > max(layout.esp.offset, layout.bios.offset)


def test_another_order_of_creation_gives_the_same_bits(workspace, plan, disk, tmp_path):
    root = workspace.path / "sample-again"
    workspace.call(make_with_boot_files, root, boot_files(plan), 2)
    output = tmp_path / "again.raw"
    heard = []
    build_raw(workspace, root, plan, output, progress=lambda done, total: heard.append((done, total)))
    assert digest(output) == digest(disk)
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1] > 5_000_000_000


class Watched(Packing):
    """Packing that remembers up to where it was told that the disk is final."""

    def final(self, begin, end):
        self.until = end
        super().final(begin, end)


def test_packing_while_the_disk_is_written_gives_the_same_image(workspace, tree, plan, disk, tmp_path):
    write_qcow2(disk, tmp_path / "after.qcow2")
    for reuse in (None, tmp_path / "after.qcow2"):
        with Watched(tmp_path / "disk.raw", reuse) as packing:
            build_raw(workspace, tree, plan, tmp_path / "disk.raw", packing=packing)
            assert packing.until > 80 * MIB
            write_qcow2(tmp_path / "disk.raw", tmp_path / "meanwhile.qcow2", packing=packing)
        assert digest(tmp_path / "meanwhile.qcow2") == digest(tmp_path / "after.qcow2")


def test_the_tree_comes_back_with_all_that_belongs_to_it(workspace, tree, disk):
    folder = workspace.path / "back"
    workspace.run(["mkdir", str(folder)])
    export_tree(disk, "raw", workspace, folder)
    before, after = workspace.call(describe, tree), workspace.call(describe, folder)
    assert after.keys() == before.keys()
    for path, what in before.items():
        assert after[path] == what, path


def test_an_independent_reader_finds_the_same(disk, plan):
    root = Layout.of(plan).root
    with disk.open("rb") as file:
        files = ExtFS(RangeStream(file, root.offset, root.size))
        assert str(files.uuid) == str(plan.root_uuid)
        assert files.get("etc/passwd").open().read() == b"root:x:0:0\n"
        assert files.get("usr/bin/sudo").inode.i_mode == stat.S_IFREG | 0o4755
        assert files.get("etc/hostname").inum == files.get("deep/other").inum
        assert files.get("etc/hostname").inode.i_links_count == 3
        assert files.get("long").link == "x" * 200
        assert files.get("s60").link == "y" * 60
        assert {a.name: a.value for a in files.get("usr/bin/ping").xattr} == {"security.capability": CAP_NET_RAW}
        assert [a.name for a in files.get("random").xattr] == ["system.posix_acl_access"]
        on_disk = files.get("random").xattr[0].value
        assert (on_disk[:4], len(on_disk)) == (b"\x01\0\0\0", 4 + 4 * 4 + 2 * 8)
        assert len(files.get("many").listdir()) == 602
        huge = files.get("huge")
        assert huge.size == 5_000_000_000
        assert huge.inode.i_blocks_lo * 512 == 65536


def test_no_time_is_later_than_the_plans(workspace, tree, plan, tmp_path):
    root = workspace.path / "late"
    workspace.run(["cp", "-a", str(tree / "etc"), str(root)])
    workspace.run(["sh", "-c", f"mkdir {root}/usr; touch --date=@1900000000 {root}/usr"])
    output = tmp_path / "late.raw"
    build_raw(workspace, root, plan, output)
    with output.open("rb") as file:
        files = ExtFS(RangeStream(file, Layout.of(plan).root.offset, Layout.of(plan).root.size))
        assert files.get("usr").mtime.timestamp() == plan.epoch
        assert files.get("passwd").mtime.timestamp() < plan.epoch
        assert files.get("passwd").ctime.timestamp() == plan.epoch


def test_a_longer_file_leaves_most_blocks_as_they_were(workspace, plan, tmp_path):
    root = workspace.path / "versions"
    workspace.call(make_many, root)
    one, two = tmp_path / "one.raw", tmp_path / "two.raw"
    build_raw(workspace, root, plan, one)
    workspace.run(["sh", "-c", "head -c 50000 /dev/zero | tr '\\0' z >usr/4"], cwd=root)
    build_raw(workspace, root, plan, two)
    before, after = blocks(one), blocks(two)
    assert len(after - before) < len(after) / 4


def make_many(root):
    for folder in ("etc", "usr"):
        (root / folder).mkdir(parents=True)
        for n in range(1500):
            (root / folder / str(n)).write_bytes(os.urandom(20000))


def blocks(disk):
    found = set()
    with disk.open("rb") as file:
        while block := file.read(512 << 10):
            if block.strip(b"\0"):
                found.add(hashlib.sha256(block).digest())
    return found


def test_a_tree_that_does_not_fit_is_refused_and_nothing_is_left(workspace, plan, tmp_path):
    root = workspace.path / "large"
    workspace.run(["sh", "-c", f"mkdir {root}; head -c 500000000 /dev/zero | tr '\\0' x >{root}/file"])
    output = tmp_path / "small.raw"
    with pytest.raises(FullError, match="does not fit") as refused:
        build_raw(workspace, root, dataclasses.replace(plan, size_bytes=512 * MIB), output)
    assert "larger disk" in refused.value.mend
    assert not output.exists()
    workspace.run(["rm", "-r", str(root)])


def test_a_tight_disk_is_filled_without_alignment(workspace, plan, tmp_path):
    root = workspace.path / "tight"
    workspace.run(["sh", "-c", f"mkdir {root}; for n in $(seq 330); do head -c 1000001 /dev/urandom >{root}/$n; done"])
    output = tmp_path / "tight.raw"
    build_raw(workspace, root, dataclasses.replace(plan, size_bytes=512 * MIB), output)
    offset = Layout.of(plan).root.offset
    checked = subprocess.run(
        ["e2fsck", "-fn", f"{output}?offset={offset}"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    workspace.run(["rm", "-r", str(root)])
