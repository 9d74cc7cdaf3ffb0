"""Root file systems that others made, and some that nobody should have."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.disks.ext4.export import export
from goldsmith.disks.ext4.reader import FileSystem
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import export_tar
from goldsmith.disks.tree_files import export_tree

from .sample_tree import describe

pytestmark = pytest.mark.sandbox
MIB = 1 << 20


def formatted(path, *options, size=64 * MIB, env=None):
    with path.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mke2fs", "-q", "-F", *options, path], check=True, env=env)
    return path


def exported(image, *, devices=True):
    out = io.BytesIO()
    export_tar(image, "raw", out, devices=devices)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        return {member.name: member for member in archive}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small ext4 file system that mke2fs filled, as bytes."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "tree/etc").mkdir(parents=True)
    (folder / "tree/usr").mkdir()
    (folder / "tree/etc/hosts").write_text("localhost\n" * 3000)
    (folder / "tree/usr/link").symlink_to("x" * 100)
    image = formatted(
        folder / "fs", "-t", "ext4", "-b", "1024", "-N", "64", "-O", "^has_journal,^resize_inode", "-d", folder / "tree",
        size=MIB,
    )  # fmt: skip
    return image.read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ext2", "-b", "1024"),
        ("-t", "ext3", "-b", "1024"),
        ("-t", "ext4", "-b", "4096", "-I", "128"),
        ("-t", "ext4", "-b", "4096"),
    ],
)
def test_what_mke2fs_makes_comes_back(workspace, tree, tmp_path, options):
    image = workspace.path / "fs"
    workspace.run(["rm", "-rf", "plain", "back2", "fs"])
    workspace.run(["cp", "-a", str(tree), "plain"])
    workspace.run(["rm", "plain/huge"])
    workspace.call(os.removexattr, workspace.path / "plain/holes", "user.large")
    workspace.run(["truncate", "-s", "64M", str(image)])
    workspace.run(["mke2fs", "-q", "-F", *options, "-d", "plain", str(image)])
    workspace.run(["mkdir", "back2"])
    export_tree(workspace.seen_from_host(image), "raw", workspace, workspace.path / "back2")
    before, after = (
        workspace.call(describe, workspace.path / "plain"),
        workspace.call(describe, workspace.path / "back2"),
    )
    del before[b"."], after[b"."]  # mke2fs leaves the root folder's times as they are
    for path, what in before.items():
        assert after[path] == what, path
    assert after.keys() == before.keys()


def test_folders_that_the_kernel_would_index(tmp_path):
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/usr").mkdir()
    for n in range(3000):
        (tmp_path / f"tree/usr/{n}").touch()
    image = formatted(tmp_path / "fs", "-t", "ext4", "-N", "5000", "-d", tmp_path / "tree")
    subprocess.run(["e2fsck", "-fyD", image], check=False, capture_output=True)
    shown = subprocess.run(["debugfs", "-R", "stat /usr", image], capture_output=True, text=True, check=True).stdout
    assert "Flags: 0x81000" in shown
    assert sum(name.startswith("./usr/") for name in exported(image)) == 3000


def test_device_nodes_keep_their_numbers_or_are_left_out(tmp_path):
    image = formatted(tmp_path / "fs", "-t", "ext4")
    commands = "mkdir etc\nmkdir usr\ncd usr\nmknod disk b 8 1\nmknod far c 300 1000\n"
    subprocess.run(["debugfs", "-w", "-f", "-", image], input=commands, text=True, check=True, capture_output=True)
    disk, far = exported(image)["./usr/disk"], exported(image)["./usr/far"]
    assert (disk.isblk(), disk.devmajor, disk.devminor) == (True, 8, 1)
    assert (far.ischr(), far.devmajor, far.devminor) == (True, 300, 1000)
    assert exported(image, devices=False).keys() == {".", "./etc", "./usr"}


@pytest.mark.parametrize(
    ("at", "mark", "name"), [(0, b"XFSB", "XFS"), (0x10040, b"_BHRfS_M", "Btrfs"), (0x200, b"LABELONE", "LVM")]
)
def test_another_kind_of_root_is_named(tmp_path, at, mark, name):
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(4 * MIB)
        file.seek(at)
        file.write(mark)
    with pytest.raises(DiskError, match=f"the whole disk: {name}") as refused:
        export_tar(disk, "raw", io.BytesIO())
    assert "tar" in refused.value.mend


def test_a_journal_to_be_replayed_is_refused(tmp_path):
    image = formatted(tmp_path / "fs", "-t", "ext4")
    subprocess.run(["debugfs", "-w", "-R", "feature needs_recovery", image], check=True, capture_output=True)
    with pytest.raises(DiskError, match="was not unmounted"):
        export_tar(image, "raw", io.BytesIO())


def test_a_folder_inside_itself(tmp_path):
    image = formatted(tmp_path / "fs", "-t", "ext4")
    commands = "mkdir etc\nmkdir usr\nmkdir usr/a\nln usr usr/a/usr\n"
    subprocess.run(["debugfs", "-w", "-f", "-", image], input=commands, text=True, check=True, capture_output=True)
    with pytest.raises(DiskError, match="inside itself"):
        export_tar(image, "raw", io.BytesIO())


def test_files_that_share_their_blocks_cannot_make_the_work_endless(small):
    files = FileSystem(io.BytesIO(small), 0, len(small))
    etc = files.inode(dict(files.entries(files.inode(2)))[b"etc"])
    hosts = files.inode(dict(files.entries(etc))[b"hosts"])

    def read_again_and_again():
        for _ in range(1000):
            files.runs(hosts)

    with pytest.raises(DiskError, match="more blocks than it has"):
        read_again_and_again()


class Sink(io.RawIOBase):
    def __init__(self):
        self.size = 0

    def write(self, data):
        self.size += len(data)
        return len(data)


@given(st.lists(st.tuples(st.integers(0, 80_000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_file_system_with_any_bytes_changed_ends_in_a_tar_or_a_sentence(small, changes):
    data = bytearray(small)
    for at, what in changes:
        place = at % (len(data) - 8)
        data[place : place + len(what)] = what
    sink = Sink()
    try:
        files = FileSystem(io.BytesIO(bytes(data)), 0, len(data))
        export(files, sink)
    except DiskError:
        pass
    assert sink.size < 4 * len(data)
