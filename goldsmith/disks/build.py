"""A tree becomes a bootable raw disk."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from goldsmith.disks import firmware
from goldsmith.disks.partitions import write_table
from goldsmith.disks.rootfs import write_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.packing import Packing
    from goldsmith.disks.plan import DiskPlan
    from goldsmith.guests.workspace import Workspace


def build_raw(
    workspace: Workspace,
    root: Path,
    plan: DiskPlan,
    output: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    packing: Packing | None = None,
) -> None:
    """Write the tree ``root`` of the workspace as a sparse raw disk to ``output``, a path of the host.

    The tree must hold `boot_files(plan)`. The same plan and tree give the same bytes. ``progress`` hears (bytes
    written, of how many), ``packing`` which parts of ``output`` are final. Raises DiskError, FullError when the tree
    does not fit; ``output`` is then removed.
    """
    try:
        with output.open("wb") as file:
            os.truncate(file.fileno(), plan.size_bytes)
        layout = write_table(plan, output)
        with ThreadPoolExecutor(max_workers=1) as other:
            bootable = other.submit(firmware.install, plan, layout, output)
            write_root(workspace, root, plan, layout, output, progress=progress, packing=packing)
            bootable.result()
    except BaseException:
        output.unlink(missing_ok=True)
        raise
