from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from goldsmith.catalog.images import Disk, Image, ImageStore

if TYPE_CHECKING:
    from .conftest import Goldsmith

IMAGE = Image(
    name="web-server",
    version="1.0.0",
    build=1,
    status="AVAILABLE",
    created="2026-01-02T03:04:05Z",
    parent_image="debian/12",
    plan="0" * 64,
    disk_bytes=1 << 32,
    disks=(Disk("qcow2", "web-server.qcow2", "a" * 64, 3 << 20),),
    components=({"name": "nginx", "parameters": {}},),
    packages=({"name": "nginx", "version": "1.22", "architecture": "amd64", "source": "nginx", "licences": ["BSD-2"]},),
    tests=({"component": "nginx", "steps": 2, "skipped": 0},),
    boot=({"firmware": "uefi", "seconds": 12.5, "acceleration": "kvm"},),
)


@pytest.fixture
def stocked(goldsmith: Goldsmith) -> Goldsmith:
    store = ImageStore(goldsmith.home / "images")
    with store.draft() as draft:
        store.publish(draft, IMAGE)
    return goldsmith


def test_an_empty_home_says_how_to_make_an_image(goldsmith: Goldsmith) -> None:
    done = goldsmith("images")
    assert done.returncode == 0
    assert "goldsmith build" in done.stdout
    assert goldsmith("images", "--json").stdout == "[]\n"


def test_a_home_that_is_not_there_yet_is_made(goldsmith: Goldsmith) -> None:
    deep = goldsmith.home / "deep" / "down"
    assert goldsmith("images", env={"GOLDSMITH_HOME": str(deep)}).returncode == 0
    assert deep.is_dir()


def test_images_are_listed_plainly_without_a_terminal(stocked: Goldsmith) -> None:
    heading, row = stocked("images").stdout.splitlines()
    assert heading.split("  ")[0] == "IMAGE"
    assert row.split() == "web-server/1.0.0/1 AVAILABLE 2026-01-02 03:04 debian/12 qcow2 3.0 MiB".split()  # noqa: SIM905 - reads best so


def test_json_has_the_record_and_its_place(stocked: Goldsmith) -> None:
    (listed,) = json.loads(stocked("images", "--json").stdout)
    assert listed == json.loads(stocked("show", "web-server", "--json").stdout)
    assert (listed["name"], listed["plan"]) == ("web-server", "0" * 64)
    assert listed["path"] == str(stocked.home / "images/web-server/1.0.0/1")


@pytest.mark.parametrize("reference", ["web-server", "web-server/1.0.x", "web-server/1.0.0", "web-server/1.0.0/1"])
def test_an_image_is_shown_by_each_of_its_names(stocked: Goldsmith, reference: str) -> None:
    said = stocked("show", reference).stdout
    assert "web-server/1.0.0/1  AVAILABLE" in said
    assert "booted      uefi in 12.5 s (kvm)" in said
    assert "test        nginx: 2 steps passed" in said


def test_packages_are_shown_on_demand(stocked: Goldsmith) -> None:
    assert "BSD-2" not in stocked("show", "web-server").stdout
    assert "BSD-2" in stocked("show", "web-server", "--packages").stdout


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("web-sever", "There is no image named web-sever here.\n  Did you mean web-server?"),
        ("database", "There is no image named database here.\n  There are: web-server."),
        ("web-server/2.0.0", "The image web-server has no version 2.0.0.\n  It has: 1.0.0/1."),
        ("web-server/1.0.0/7", "The image web-server has no version 1.0.0/7.\n  It has: 1.0.0/1."),
        ("web-server/a.b", "is not a version"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(stocked: Goldsmith, reference: str, said: str) -> None:
    done = stocked("show", reference)
    assert done.returncode == 1
    assert said in done.stderr
