"""`goldsmith export`: the file is the image's disk, whole or not there, and nothing of anybody's is replaced."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from goldsmith.catalog.images import Disk, Image, ImageStore
from goldsmith.cli.export_commands import NAMES
from goldsmith.disks.formats import FORMATS
from goldsmith.oci.opened import opened_image
from goldsmith.oci.outputs import CONTAINER_FORMATS

from .conftest import PROGRAM

if TYPE_CHECKING:
    from .conftest import Goldsmith

pytestmark = pytest.mark.sandbox

MIB = 1 << 20


@pytest.fixture
def stocked(goldsmith: Goldsmith) -> Goldsmith:
    """A home with an image of 9 MiB, one of them random."""
    store = ImageStore(goldsmith.home / "images")
    with store.draft() as draft:
        with (draft / "tiny.raw").open("wb") as file:
            file.truncate(9 * MIB)
            file.seek(4 * MIB)
            file.write(random.Random(3).randbytes(MIB))  # noqa: S311 - contents, not secrets
        image = Image(
            name="tiny",
            version="1.0.0",
            build=1,
            status="AVAILABLE",
            created="2026-01-02T03:04:05Z",
            parent_image="debian/12",
            plan="0" * 64,
            disk_bytes=9 * MIB,
            disks=(Disk("raw", "tiny.raw", "a" * 64, 9 * MIB),),
        )
        store.publish(draft, image)
    return goldsmith


def test_the_help_names_every_format() -> None:
    assert NAMES.split(", ") == [*FORMATS, *CONTAINER_FORMATS]


@pytest.mark.parametrize(("form", "kind"), [("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vhdx", "vhdx")])
def test_a_file_in_the_current_folder_is_the_images_disk(stocked: Goldsmith, form: str, kind: str) -> None:
    done = stocked("export", "tiny", "--format", form, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    file = stocked.folder / f"tiny.{form}"
    assert (said["event"], said["file"], said["image"]) == ("Exported", str(file), "tiny/1.0.0/1")
    assert (said["size"], said["sha256"]) == (file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
    assert [each.name for each in stocked.folder.iterdir()] == [file.name]
    disk = stocked.home / "images/tiny/1.0.0/1/tiny.raw"
    subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", kind, disk, file], check=True)


@pytest.mark.parametrize("form", ["ova", "raw.zst", "vmdk-sparse"])
def test_a_file_is_read_back_on_demand(stocked: Goldsmith, form: str) -> None:
    done = stocked("export", "tiny", "--format", form, "-o", "out", "--verify")
    assert (done.returncode, "read back: it is the image's disk" in done.stdout) == (0, True), done.stderr
    assert [each.name for each in stocked.folder.iterdir()] == ["out"]


def test_a_bundle_is_not_read_back(stocked: Goldsmith) -> None:
    done = stocked("export", "tiny", "--format", "glance", "--verify")
    assert (done.returncode, "is not read back" in done.stderr) == (2, True)


def test_nothing_is_replaced_unasked(stocked: Goldsmith) -> None:
    (stocked.folder / "mine").write_text("mine")
    refused = stocked("export", "tiny", "--format", "vhd", "-o", "mine")
    assert (refused.returncode, "is there already" in refused.stderr) == (2, True)
    assert (stocked.folder / "mine").read_text() == "mine"
    assert stocked("export", "tiny", "--format", "vhd", "-o", "mine", "--force").returncode == 0
    assert (stocked.folder / "mine").stat().st_size == 9 * MIB + 512


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tiny", "--format", "floppy"), "There are: qcow2, raw, vmdk"),
        (("tiny", "--format", "raw", "-o", "nowhere/tiny.raw"), "is no place for a file"),
        (("tinny", "--format", "raw"), "Did you mean tiny?"),
    ],
)
def test_a_refusal_leaves_nothing(stocked: Goldsmith, arguments: tuple[str, ...], said: str) -> None:
    done = stocked("export", *arguments)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert not list(stocked.folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_export_that_is_ended_leaves_no_file_and_the_next_sweeps(stocked: Goldsmith, number: int) -> None:
    process = subprocess.Popen(
        [PROGRAM, "export", "tiny", "--format", "raw.xz"],
        cwd=stocked.folder,
        env=stocked.environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not list(stocked.folder.glob(".tiny.raw.xz.*")):
        time.sleep(0.002)
    process.send_signal(number)
    assert process.wait() != 0
    assert not (stocked.folder / "tiny.raw.xz").exists()
    assert stocked("export", "tiny", "--format", "raw.xz").returncode == 0
    assert [each.name for each in stocked.folder.iterdir()] == ["tiny.raw.xz"]


@pytest.mark.parametrize("form", ["oci", "docker-archive"])
def test_a_tree_is_exported_as_a_container_image(stocked: Goldsmith, form: str) -> None:
    refused = stocked("export", "tiny", "--format", form, "-o", "none.tar")
    assert refused.returncode
    assert "has no root file system" in refused.stderr
    assert not list(stocked.folder.iterdir())
    tree = stocked.home / "tree"
    for name in ("etc", "usr"):
        (tree / name).mkdir(parents=True)
    disk = stocked.home / "images/tiny/1.0.0/1/tiny.raw"
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-d", tree, disk, "9M"], check=True, capture_output=True)
    done = stocked("export", "tiny", "--format", form, "-o", "tiny.tar")
    assert done.returncode == 0, done.stderr
    with opened_image(str(stocked.folder / "tiny.tar")) as image:
        assert image.config["config"]["Labels"]["name"] == "tiny"
        assert len(image.layers) == 1
