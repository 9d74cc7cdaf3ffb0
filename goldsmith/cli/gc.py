"""`goldsmith gc`: what is old, and what killed builds left."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageStore
from goldsmith.cli.output import bytes_for_people, print_json
from goldsmith.guests.workspace import Workspace, sweep
from goldsmith.machines.runs import sweep as sweep_machines
from goldsmith.pipelines.home import Home
from goldsmith.publish.conversions import sweep as sweep_conversions
from goldsmith.trees.layers import LayerStore

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.blocks.store import Collected

DAY = 86400


def collect(*, days: float, as_json: bool) -> None:
    """Remove what was last used more than ``days`` ago, and leftovers of killed builds; say what went."""
    home = Home.default().ready()
    before = time.time() - days * DAY
    packages = _remove_files(home.packages, before)
    layers = _collect_layers(home, before)
    logs = [folder for folder in home.failed.glob("*") if folder.stat().st_mtime < before]
    for folder in logs:
        shutil.rmtree(folder, ignore_errors=True)
    leftovers = [
        *sweep(home.path),
        *ImageStore(home.images).sweep(),
        *sweep_machines(home.machines),
        *sweep_conversions(home, before=before),
    ]
    blocks = _collect_blocks(home)
    freed = sum(packages) + sum(size for _, size in layers) + sum(gone.stored_bytes for gone in blocks.values())
    if as_json:
        print_json(
            {
                "layers": [{"title": title, "bytes": size} for title, size in layers],
                "packages": len(packages),
                "logs": [str(folder) for folder in logs],
                "leftovers": [str(path) for path in leftovers],
                "blocks": {regions: asdict(gone) for regions, gone in blocks.items()},
                "bytes": freed,
            }
        )
        return
    for title, size in layers:
        print(f"removed the layer of {title} ({bytes_for_people(size)})")
    for folder in logs:
        print(f"removed the logs of a failed build: {folder}")
    for path in leftovers:
        print(f"removed what a killed build left: {path}")
    for regions, gone in blocks.items():
        if gone.blocks:
            print(f"removed {gone.blocks} blocks that no snapshot needs in {regions}")
    print(
        f"Freed {bytes_for_people(freed)}: {len(layers)} layers and {len(packages)} packages unused for {days:g} days."
    )


def _collect_blocks(home: Home) -> dict[str, Collected]:
    """Remove the blocks that nothing in the catalogue needs; a home without a catalogue has none."""
    from goldsmith.aws.cloud import Cloud, CloudError
    from goldsmith.aws.collecting import collect as collect_blocks

    try:
        cloud = Cloud.open(home)
    except CloudError:
        return {}
    try:
        return collect_blocks(cloud)
    finally:
        cloud.close()


def _remove_files(folder: Path, before: float) -> list[int]:
    """Remove old files and return the size of each; one that a build takes away meanwhile is not ours."""
    sizes = []
    for file in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            if found.st_mtime < before:
                file.unlink()
                sizes.append(found.st_size)
    return sizes


def _collect_layers(home: Home, before: float) -> list[tuple[str, int]]:
    """Remove old layers, whose files only a workspace may touch; a host that can make none has no layers."""
    if not any(home.layers.glob("*")):
        return []
    with Workspace(home.path) as workspace:
        return LayerStore(home.layers).collect(workspace, older_than=before)
