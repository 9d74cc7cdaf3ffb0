"""`goldsmith gc`: what is old, and what killed builds left."""

from __future__ import annotations

import time

from goldsmith.catalog.images import ImageStore
from goldsmith.cli.output import bytes_for_people, print_json
from goldsmith.guests.workspace import Workspace, sweep
from goldsmith.machines.runs import sweep as sweep_machines
from goldsmith.pipelines.home import Home
from goldsmith.trees.layers import LayerStore

DAY = 86400


def collect(*, days: float, as_json: bool) -> None:
    """Remove layers and packages unused for ``days``, and leftovers of killed builds; say what went."""
    home = Home.default().ready()
    before = time.time() - days * DAY
    packages = [file for file in home.packages.glob("*") if file.stat().st_mtime < before]
    freed = sum(file.stat().st_size for file in packages)
    for file in packages:
        file.unlink(missing_ok=True)
    layers = _collect_layers(home, before)
    freed += sum(size for _, size in layers)
    leftovers = [*sweep(home.path), *ImageStore(home.images).sweep(), *sweep_machines(home.machines)]
    if as_json:
        print_json(
            {
                "layers": [{"title": title, "bytes": size} for title, size in layers],
                "packages": len(packages),
                "leftovers": [str(path) for path in leftovers],
                "bytes": freed,
            }
        )
        return
    for title, size in layers:
        print(f"removed the layer of {title} ({bytes_for_people(size)})")
    for path in leftovers:
        print(f"removed what a killed build left: {path}")
    print(
        f"Freed {bytes_for_people(freed)}: {len(layers)} layers and {len(packages)} packages unused for {days:g} days."
    )


def _collect_layers(home: Home, before: float) -> list[tuple[str, int]]:
    """Remove old layers, whose files only a workspace may touch; a host that can make none has no layers."""
    if not any(home.layers.glob("*")):
        return []
    with Workspace(home.path) as workspace:
        return LayerStore(home.layers).collect(workspace, older_than=before)
