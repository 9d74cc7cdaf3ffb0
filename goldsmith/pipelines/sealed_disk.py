"""A sealed tree becomes a raw disk while it is looked through for what no image may carry."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.disks.build import build_raw
from goldsmith.trees.scan.finding import LeftoversError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.disks.packing import Packing
    from goldsmith.disks.plan import DiskPlan
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.progress import Stages
    from goldsmith.trees.scan.finding import ScanReport


@contextmanager
def raw_file(folder: Path, *, in_memory: bool) -> Iterator[Path]:
    """Give the path of a raw disk: nameless memory, gone when this process is, or a file in ``folder``."""
    if in_memory:
        memory = os.memfd_create("goldsmith-disk")
        try:
            yield Path(f"/proc/{os.getpid()}/fd/{memory}")
        finally:
            os.close(memory)
        return
    path = folder / "building.raw"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_disk(
    tree: GrowingTree,
    plan: DiskPlan,
    raw: Path,
    stages: Stages,
    *,
    scan: Callable[[], ScanReport] | None,
    packing: Packing | None = None,
) -> None:
    """Write the sealed tree as a disk to ``raw``. Raises LeftoversError when ``scan`` finds something meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        scanning = pool.submit(_scan, scan, stages) if scan else None
        with stages.stage("disk") as stage:
            build_raw(tree.workspace, tree.root, plan, raw, progress=stage.progress, packing=packing)
        if scanning:
            scanning.result()


def _scan(scan: Callable[[], ScanReport], stages: Stages) -> None:
    with stages.stage("scan") as stage:
        report = scan()
        if report.findings:
            raise LeftoversError(report)
        stage.note = f"{report.files} paths, nothing left over"
