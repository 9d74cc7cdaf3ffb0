"""Goldsmith itself: cold, with its caches, and with a test stage beside the bare boot of the same disk."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.bare_boot import bare_boot, instance_boot
from bench.disks import look_into
from bench.measuring import run
from bench.workload import NGINX, page_component, pipeline

if TYPE_CHECKING:
    from bench.arena import Arena

PROGRAM = str(Path(sys.executable).parent / "goldsmith")
COLD = "goldsmith, cold"
CACHED = "goldsmith, packages cached"
UNCHANGED = "goldsmith, nothing changed"
CHANGED = "goldsmith, last component changed"
TESTED = "goldsmith, boot to tests passed"
BARE = "bare boot of the same disk to its login prompt"
INSTANCE = "bare boot of the same disk with metadata, to its login prompt"
WITHOUT_INDEXES = ("layers", "images")


class Documents:
    """A folder with a pipeline and its components, and the home that builds of it use."""

    def __init__(self, arena: Arena, home: str) -> None:
        self.folder = arena.folder / "documents"
        self.folder.mkdir(exist_ok=True)
        self.home = arena.folder / home
        (self.folder / "nginx.yml").write_text(NGINX)

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "GOLDSMITH_HOME": str(self.home)}

    def command(self, name: str, components: tuple[str, ...], *, tested: bool = False) -> list[str]:
        file = self.folder / f"{name}.yml"
        file.write_text(pipeline(name, components, tested=tested))
        return [PROGRAM, "build", str(file), "--json"]

    def write_page(self, text: str) -> None:
        (self.folder / "page.yml").write_text(page_component(text))


def built(said: str) -> dict[str, Any]:
    """Return the record of the image from the lines that `goldsmith build --json` printed."""
    events = (json.loads(line) for line in said.splitlines())
    return next(event for event in events if event["event"] == "Built")


def disk_of(image: dict[str, Any]) -> Path:
    return Path(image["path"]) / image["disks"][0]["file"]


class Goldsmith:
    """One round: a new home each, then the same home with ever more in its caches."""

    name = "goldsmith"

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def lacking(self) -> str:
        return ""

    def round(self, number: int) -> None:
        documents = Documents(self.arena, f"home-{number}")
        documents.write_page(f"first {number}")
        command = documents.command("bench", ("nginx.yml", "page.yml"))
        try:
            self._build(COLD, command, documents)
            for kept in WITHOUT_INDEXES:
                shutil.rmtree(documents.home / kept)
            self._build(CACHED, command, documents)
            self._build(UNCHANGED, command, documents)
            documents.write_page(f"second {number}")
            image = self._build(CHANGED, command, documents)
            if number == 0:
                self.arena.looked_into(self.name, look_into(disk_of(image), self.arena.memory))
        finally:
            shutil.rmtree(documents.home, ignore_errors=True)

    def _build(self, case: str, command: list[str], documents: Documents) -> dict[str, Any]:
        image = built(self.arena.measurements.run(case, command, env=documents.env))
        self.arena.measurements.cases[case].image_bytes = image["disks"][0]["size"]
        return image


class Boots:
    """One round: a build whose image boots and is tested, then that image's disk by QEMU alone."""

    name = "boots"

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def lacking(self) -> str:
        return ""

    def round(self, number: int) -> None:
        documents = Documents(self.arena, "home-boots")
        documents.write_page(f"tested {number}")
        command = documents.command("tested", ("nginx.yml", "page.yml"), tested=True)
        image = built(run(TESTED, command, env=documents.env))
        stages = [each for each in image["timings"] if each["stage"].startswith(("boot ", "test "))]
        self.arena.measurements.record(TESTED, sum(each["seconds"] for each in stages))
        boot = image["boot"][0]
        self.arena.measurements.facts["boot"] = f"{boot['firmware']}, {boot['acceleration']}"
        with self.arena.memory_folder("bare-boot") as work:
            work.mkdir()
            case = self.arena.measurements.timed
            disk = work / "disk.raw"
            run("unpacking the disk", ["qemu-img", "convert", "-O", "raw", str(disk_of(image)), str(disk)])
            with case(BARE):
                bare_boot(disk, boot["firmware"], self.arena.acceleration, work)
            with case(INSTANCE):
                instance_boot(disk, boot["firmware"], self.arena.acceleration, work)
