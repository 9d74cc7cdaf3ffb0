"""The other tools: each has a folder here with its recipe and a script, `build`, that makes a qcow2 of it.

`build cold` starts from nothing; `build change` follows it and may use whatever the tool keeps. Both read WORK (a
folder on tmpfs), OUT (the qcow2), PAGE, PACKAGES, SUITE, MIRROR, SECURITY, PROXY (the package cache), ACCELERATOR and
BASE (a disk without nginx, for tools that start from one).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.disks import look_into
from bench.goldsmith_cases import Documents, built, disk_of
from bench.measuring import run
from bench.workload import DISTRIBUTION, MIRROR, PACKAGES, SECURITY

if TYPE_CHECKING:
    from bench.arena import Arena

HERE = Path(__file__).parent
INSTALL = "bench/peers/install"


@dataclass(frozen=True)
class PeerTool:
    """A tool: the programs it needs here, and whether it starts from a disk of ours."""

    name: str
    programs: tuple[str, ...]
    on_base: bool = False


TOOLS = (
    PeerTool("mkosi", ("mkosi", "systemd-repart", "depmod")),
    PeerTool("vmdb2", ("vmdb2", "parted", "losetup")),
    PeerTool("debos", ("debos", "parted", "systemd-nspawn")),
    PeerTool("packer", ("packer",), on_base=True),
)


class Peer:
    """One round of a tool: cold, though with the packages in the local cache, then one file changed."""

    def __init__(self, tool: PeerTool, arena: Arena) -> None:
        self.tool = tool
        self.arena = arena
        self.name = tool.name
        self.out = arena.folder / f"{tool.name}.qcow2"
        self.base = arena.folder / "base.qcow2"

    @property
    def cold(self) -> str:
        return f"{self.name}, cold, packages cached" + (" (base not counted)" if self.tool.on_base else "")

    @property
    def changed(self) -> str:
        return f"{self.name}, one file changed"

    def lacking(self) -> str:
        missing = [program for program in self.tool.programs if not shutil.which(program)]
        if os.geteuid() != 0:
            return "does not run here: it needs root"
        return f"not installed ({', '.join(missing)} missing); run {INSTALL} as root" if missing else ""

    def round(self, number: int) -> None:
        if self.tool.on_base and not self.base.exists():
            self._bake_base()
        script = str(HERE / self.name / "build")
        with self.arena.memory_folder(self.name) as work:
            work.mkdir()
            measurements = self.arena.measurements
            measurements.run(self.cold, [script, "cold"], env=self._env(work, f"first {number}"), image=self.out)
            page = f"second {number}"
            measurements.run(self.changed, [script, "change"], env=self._env(work, page), image=self.out)
        if number == 0:
            contents = look_into(self.out, self.arena.memory)
            if contents.page != page:
                raise ValueError(f"{self.name}'s disk has the page {contents.page!r}, not {page!r}")
            self.arena.looked_into(self.name, contents)

    def _env(self, work: Path, page: str) -> dict[str, str]:
        return {
            **os.environ,
            "WORK": str(work),
            "OUT": str(self.out),
            "PAGE": page,
            "PACKAGES": " ".join(PACKAGES),
            "SUITE": DISTRIBUTION.codename,
            "MIRROR": MIRROR,
            "SECURITY": SECURITY,
            "PROXY": self.arena.proxy,
            "ACCELERATOR": self.arena.acceleration,
            "BASE": str(self.base),
        }

    def _bake_base(self) -> None:
        documents = Documents(self.arena, "home-base")
        (documents.folder / "nothing.yml").write_text(NOTHING)
        image = built(run("the base disk", documents.command("base", ("nothing.yml",)), env=documents.env))
        shutil.move(disk_of(image), self.base)
        shutil.rmtree(documents.home)


NOTHING = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Nothing, action: ExecuteBash, inputs: {commands: ["true"]}}
"""
