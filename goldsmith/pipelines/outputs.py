"""What a build leaves of a sealed tree: its disk in formats of disks, and itself as container images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.catalog.images import Disk
from goldsmith.disks.formats import FORMATS
from goldsmith.oci.outputs import CONTAINER_FORMATS
from goldsmith.pipelines.container_output import container_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.progress import Stages

OUTPUTS = (*FORMATS, *CONTAINER_FORMATS)
"""The names of all formats that a build can write."""


@dataclass(frozen=True)
class Outputs:
    """What is written, and where: ``draft`` is the image's folder in the making, ``plan`` the digest of its plan."""

    about: About
    plan: str
    raw: Path
    packing: Packing
    tree: GrowingTree
    draft: Path
    stages: Stages

    def write(self, formats: Sequence[str]) -> tuple[Disk, ...]:
        """Write the formats, and return what each file is; the tree must be sealed and mounted."""
        disks = [self._disk(name) for name in formats if name in FORMATS]
        containers = [name for name in formats if name in CONTAINER_FORMATS]
        return (*disks, *(self._containers(containers) if containers else ()))

    def _disk(self, name: str) -> Disk:
        with self.stages.stage(f"write {name}") as stage:
            row = FORMATS[name]
            file = self.draft / f"{self.about.name}{row.suffix}"
            row.write(self.raw, file, about=self.about, packing=self.packing, progress=stage.progress)
            written = _described(name, file)
            stage.note = f"{written.size / (1 << 20):.1f} MiB"
        return written

    def _containers(self, names: Sequence[str]) -> list[Disk]:
        written = []
        with container_image(self.tree, self.about, self.plan, self.stages, self.draft) as image:
            for name in names:
                with self.stages.stage(f"write {name}") as stage:
                    row = CONTAINER_FORMATS[name]
                    path = self.draft / f"{self.about.name}{row.suffix}"
                    with path.open("wb") as file:
                        row.write(image, file, self.about.name, self.about.version)
                    written.append(_described(name, path))
                    stage.note = f"{written[-1].size / (1 << 20):.1f} MiB, {image.digest}"
        return written


def _described(name: str, path: Path) -> Disk:
    with path.open("rb") as content:
        return Disk(name, path.name, hashlib.file_digest(content, "sha256").hexdigest(), path.stat().st_size)
