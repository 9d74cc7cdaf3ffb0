"""What a killed server leaves on the disk: work areas, and layers that were about to be kept."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from goldsmith.guests.workspace import Workspace, sweep
from goldsmith.trees.layers import LayerStore

if TYPE_CHECKING:
    from goldsmith.pipelines.home import Home


def clear_leftovers(home: Home) -> None:
    """Remove what no living process holds; what one is working on stays."""
    sweep(home.path)
    with closing(LayerStore(home.layers)) as layers:
        if any(layers.leftovers()):
            with Workspace(home.path) as workspace:
                layers.sweep(workspace)
