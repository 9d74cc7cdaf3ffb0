"""Imports: what is refused and why, trees that become disks, and what is kept without a boot."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from goldsmith.catalog.images import ImageStore
from goldsmith.disks.containers import to_raw
from goldsmith.disks.ext4.lookup import find, read
from goldsmith.disks.plan import MIB, DiskError
from goldsmith.disks.reading import root_files
from goldsmith.guests.workspace import Workspace
from goldsmith.oci.blobs import OciError
from goldsmith.oci.image import About, made_image
from goldsmith.oci.layer import written_layer
from goldsmith.oci.layout import write_layout, write_oci_archive
from goldsmith.pipelines.build import BuildFailedError
from goldsmith.pipelines.growing_tree import GrowingTree
from goldsmith.pipelines.importing import ImportRefusedError, ImportRequest, import_image
from goldsmith.pipelines.parents import pin_parent
from goldsmith.pipelines.plan import OciParent
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.tree_disk import TreeRefusedError

from .test_build import a_plan, run

pytestmark = pytest.mark.sandbox

SYSTEM = """
set -eu
mkdir -p boot sbin
echo kernel >boot/vmlinuz-9.9; echo initrd >boot/initramfs-9.9.img
[ -e sbin/init ] || ln -s /usr/bin/true sbin/init
echo UUID=7777-7777 /old vfat defaults 0 1 >etc/fstab
"""


@pytest.fixture
def importing(kept):
    def run(source, **more):
        return import_image(ImportRequest(str(source), **{"boot": False, **more}), kept, lambda _: None)

    before = {path.name for path in kept.images.glob(".draft-*")} if kept.images.exists() else set()
    yield run
    assert {path.name for path in kept.images.glob(".draft-*")} == before


@pytest.fixture(scope="module")
def machine_tree(home, base_layer):
    """A small Debian with what only looks like a kernel: as a root archive, and as a container image of two layers."""
    store, layer = base_layer
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=home))
    with Workspace(home, memory=1 << 30) as workspace:
        workspace.run(["cp", "-a", str(store.tree(layer)), "base"])
        workspace.run(["mkdir", "top"])
        base, top = workspace.path / "base", workspace.path / "top"
        with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as two:
            first = written_layer(workspace, base, "base", one.fileno())
            workspace.run(["sh", "-c", SYSTEM], cwd=base)
            workspace.run(
                ["sh", "-c", "cp -a --parents boot sbin etc/fstab usr/sbin/init ../top 2>/dev/null || :"], cwd=base
            )
            second = written_layer(workspace, top, "system", two.fileno())
            about = About("2027-01-15T08:00:00Z", {}, {})
            write_layout(made_image([first, second], about), folder / "layout")
            write_layout(made_image([first], about), folder / "bare")
            with (folder / "saved.tar").open("wb") as file:
                write_oci_archive(made_image([first, second], about), file)
        with (folder / "root.tar").open("wb") as file:
            workspace.run(["tar", "-c", "--numeric-owner", "-f", "-", "."], cwd=base, output=file)
    return folder


@pytest.mark.parametrize("form", ["root.tar", "oci:layout", "saved.tar"])
def test_a_tree_with_a_kernel_becomes_a_disk(importing, kept, machine_tree, tmp_path, form):
    transport, _, name = form.rpartition(":")
    made = importing(f"{transport}:{machine_tree / name}" if transport else machine_tree / name, name="tree")
    assert made.image.status == "UNTESTED"
    assert made.image.parent_image.startswith("imported from ")
    assert (made.examination.firmware, made.examination.errors) == (("uefi", "bios"), ())
    assert made.examination.kernels == ("9.9",)
    assert "bash" in {package["name"] for package in made.image.packages}
    raw = tmp_path / "disk.raw"
    to_raw(made.folder / "tree.qcow2", "qcow2", raw)
    with root_files(raw) as files:
        assert read(files, "/boot/vmlinuz", 100) == b"kernel\n"
        assert read(files, "/boot/initrd.img", 100) == b"initrd\n"
        assert find(files, "/usr/bin/dpkg").mode == 0o100755
        assert b"7777" not in read(files, "/etc/fstab", 1000)
    assert pin_parent("tree/x.x.x", tmp_path, kept).sha256 == made.image.disks[0].sha256
    assert json.loads((made.folder / "image.json").read_text())["status"] == "UNTESTED"


@pytest.mark.parametrize("form", ["oci:./bare", "oci:{folder}/bare", "./bare.oci.tar"])
def test_a_container_image_is_a_parent_and_no_machine(importing, kept, machine_tree, monkeypatch, form):
    monkeypatch.chdir(machine_tree)
    if form.endswith(".tar"):
        subprocess.run(["tar", "-C", "bare", "-cf", "bare.oci.tar", "."], check=True)
    text = form.format(folder=machine_tree)
    with pytest.raises(TreeRefusedError, match="has no kernel in /boot") as refused:
        importing(text)
    assert "parentImage: " in refused.value.mend
    parent = pin_parent(text, machine_tree, kept)
    assert isinstance(parent, OciParent)
    with (
        Workspace(kept.path, memory=1 << 30) as workspace,
        GrowingTree(parent, kept, workspace, Stages(lambda _: None), machine_tree / "logs") as tree,
    ):
        tree.lay_parent()
        assert tree.epoch > 0
        assert tree.look(_programs) > 100
        tree.keep()


def _programs(root):
    return sum(1 for _ in (root / "usr/bin").iterdir())


def test_an_image_that_changed_since_it_was_pinned_is_not_laid(kept, machine_tree):
    parent = pin_parent("oci:bare", machine_tree, kept)
    changed = OciParent(parent.image.replace("bare", "layout"), parent.digest, "changed")
    with (
        Workspace(kept.path, memory=1 << 28) as workspace,
        GrowingTree(changed, kept, workspace, Stages(lambda _: None), machine_tree / "logs", use_cache=False) as tree,
        pytest.raises(OciError, match="has changed since it was looked at"),
    ):
        tree.lay_parent()


def test_what_cannot_boot_is_refused_with_every_reason_and_kept_without_a_boot(importing, kept, tmp_path):
    disk = tmp_path / "Blank disk.img"
    disk.write_bytes(bytes(2 * MIB))
    with pytest.raises(ImportRefusedError, match="cannot boot here: It has no boot loader") as refused:
        importing(disk, boot=True)
    assert "--no-boot" in refused.value.mend
    made = importing(disk)
    assert (made.image.reference, made.image.status, made.image.boot) == ("blank-disk/1.0.0/1", "UNTESTED", ())
    assert importing(disk, version="1.0.0").image.reference == "blank-disk/1.0.0/2"
    assert ImageStore(kept.images).find("blank-disk").build == 2


@pytest.mark.parametrize(
    ("name", "more", "error", "said"),
    [
        ("disk.iso", {}, ImportRefusedError, "is a file of no known kind"),
        ("disk.raw", {"kind": "iso"}, ImportRefusedError, "There is no kind of disk 'iso'"),
        ("disk.raw", {"kind": "qcow2"}, DiskError, "is not a qcow2 image"),
        ("disk.raw", {"name": "../up"}, ImportRefusedError, "is no name of an image"),
        ("root.tar", {}, DiskError, "could not be unpacked"),
    ],
)
def test_what_is_no_disk_is_refused(importing, tmp_path, name, more, error, said):
    file = tmp_path / name
    file.write_bytes(b"\x01" * 8192)
    with pytest.raises(error, match=said) as refused:
        importing(file, **more)
    assert refused.value.mend


@pytest.mark.network
def test_a_recipe_that_brings_no_kernel_is_told_so_before_a_boot(kept, machine_tree):
    plan = a_plan(kept, parent=pin_parent("oci:bare", machine_tree, kept), tests_enabled=True)
    with pytest.raises(BuildFailedError, match="no kernel in /boot") as refused:
        run(plan, kept)
    assert "linux-image" in refused.value.mend
