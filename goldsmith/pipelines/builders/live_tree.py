"""A sandbox's tree while it lives: laid once, it takes one layer after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.live import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from goldsmith.guests.guest import Guest
    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.progress import Stage
    from goldsmith.trees.layers import LayerKey


@dataclass
class LiveTree:
    """A tree in its workspace. ``skipped`` are the cleanup rules that did not run, None while it was never cleaned."""

    workspace: Workspace
    tree: GrowingTree
    resources: ExitStack
    skipped: frozenset[str] | None = None
    laid: bool = False

    def __post_init__(self) -> None:
        self.top = self.tree.parent.key

    def lay_parent(self) -> None:
        """Lay what the tree begins with."""
        self.tree.lay_parent()
        self.laid = True

    def lay(self, key: LayerKey, make: Callable[[Guest, Stage], None]) -> None:
        """Lay a layer on top, from the cache or by ``make``."""
        self.tree.lay(key, make)
        self.top = key

    def close(self) -> None:
        """End it and all that runs in it."""
        self.resources.close()


TREES: Waiting[LiveTree] = Waiting()
"""The trees that wait between a build's steps."""
