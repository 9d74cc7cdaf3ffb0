"""The same work by hand: bench/by_hand.sh, on tmpfs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench.disks import look_into
from bench.measuring import run
from bench.workload import DISTRIBUTION, PACKAGES, SOURCE_LINES

if TYPE_CHECKING:
    from bench.arena import Arena

SCRIPT = str(Path(__file__).with_suffix(".sh"))
COLD = "by hand, cold"
CACHED = "by hand, packages cached"
REPACKED = "by hand, one file changed, packed again"
EDITED = "by hand, one file changed inside the disk"


class ByHand:
    """One round: from the network, from the package cache, then two ways to change one file."""

    name = "by-hand"

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.out = arena.folder / "by-hand.qcow2"

    def lacking(self) -> str:
        return ""

    def round(self, number: int) -> None:
        measurements = self.arena.measurements
        with self.arena.memory_folder("by-hand") as work:
            measurements.run(COLD, self._bake(work, number, ""), image=self.out)
            shutil.rmtree(work)
            if number == 0:
                run("filling the package cache", self._bake(work, number, self.arena.apt_option))
                shutil.rmtree(work)
            measurements.run(CACHED, self._bake(work, number, self.arena.apt_option), image=self.out)
            measurements.run(REPACKED, self._change("repack", work, f"repacked {number}"), image=self.out)
            measurements.run(EDITED, self._change("edit", work, f"edited {number}"), image=self.out)
        if number == 0:
            self.arena.looked_into(self.name, look_into(self.out, self.arena.memory))

    def _bake(self, work: Path, number: int, apt_option: str) -> list[str]:
        what = [SCRIPT, "bake", str(work), str(self.out), f"first {number}", apt_option]
        return [*what, ",".join(PACKAGES), DISTRIBUTION.codename, *SOURCE_LINES]

    def _change(self, how: str, work: Path, page: str) -> list[str]:
        return [SCRIPT, how, str(work), str(self.out), page]
