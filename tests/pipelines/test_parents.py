"""Images made of images: a catalogue's, a disk of any format, a root archive."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from goldsmith.disks.containers import to_raw
from goldsmith.disks.formats import FORMATS
from goldsmith.disks.reading import export_tar
from goldsmith.disks.root_tar import write_root_tar
from goldsmith.pipelines.parents import pin_parent

from .test_build import HELLO, a_component, a_plan, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

MORE = """\
- name: Look
  action: ExecuteBash
  inputs: {commands: ['test "$(cat /etc/hello)" = hello', 'dpkg --audit', 'echo more > /etc/more']}
"""


@pytest.fixture(scope="module")
def parent(kept):
    return run(a_plan(kept, a_component("hello", HELLO)), kept)


@pytest.mark.parametrize("kind", ["catalogue", "qcow2", "raw", "vmdk", "ova", "raw.zst", "tar.zst"])
def test_an_image_is_made_of_another(kept, parent, tmp_path, kind):
    disk = parent.folder / "small.qcow2"
    named = parent.image.reference
    if kind == "tar.zst":
        subprocess.run(["qemu-img", "convert", "-O", "raw", disk, tmp_path / "disk.raw"], check=True)
        write_root_tar(tmp_path / "disk.raw", tmp_path / "root.tar.zst")
        named = "./root.tar.zst"
    elif kind in {"ova", "raw.zst"}:
        to_raw(disk, "qcow2", tmp_path / "whole")
        FORMATS[kind].write(tmp_path / "whole", tmp_path / f"disk.{kind}")
        named = f"./disk.{kind}"
    elif kind != "catalogue":
        subprocess.run(["qemu-img", "convert", "-O", kind, disk, tmp_path / f"disk.{kind}"], check=True)
        named = f"./disk.{kind}"
    plan = a_plan(kept, a_component("more", MORE), name="child", parent_image=named)
    built = run(replace(plan, parent=pin_parent(named, tmp_path, kept)), kept)
    names = {package["name"]: package["version"] for package in built.image.packages}
    assert names == {package["name"]: package["version"] for package in parent.image.packages}
    assert files_of(built.folder / "child.qcow2", tmp_path) == files_of(disk, tmp_path) | {"./etc/more"}


def files_of(disk: Path, folder: Path) -> set[str]:
    with (folder / "look.tar").open("wb") as out:
        export_tar(disk, "qcow2", out)
    listed = subprocess.run(["tar", "-tf", folder / "look.tar"], capture_output=True, text=True, check=True).stdout
    return {"./" + name.removeprefix("./").rstrip("/") for name in listed.splitlines()}
