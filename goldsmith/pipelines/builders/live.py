"""The sandboxes that live in this process: laid once, they wait between a build's steps."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from goldsmith.guests.guest import Guest
    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.progress import Stage
    from goldsmith.trees.layers import LayerKey

_IDLE: dict[tuple[Path, str], LiveTree] = {}
"""By the folder of the build and the instance's id."""
_LOCK = threading.Lock()


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


def take(build: Path, identifier: str) -> LiveTree | None:
    """Return a sandbox that waits, and have it wait no more: who takes it gives it back or closes it.

    ``build`` is the folder of its image's build (`ImageRun.folder`).
    """
    with _LOCK:
        return _IDLE.pop((build, identifier), None)


def give_back(build: Path, identifier: str, live: LiveTree) -> None:
    """Let a sandbox wait for its build's next step."""
    with _LOCK:
        earlier, _IDLE[build, identifier] = _IDLE.get((build, identifier)), live
    if earlier:
        earlier.close()


def close_build(build: Path) -> None:
    """End the sandboxes of a build that wait; a build that goes on lays them again."""
    _close(lambda key: key[0] == build)


def close_all() -> None:
    """End every sandbox that waits, as a server does when it ends."""
    _close(lambda _: True)


def _close(chosen: Callable[[tuple[Path, str]], bool]) -> None:
    with _LOCK:
        waiting = [_IDLE.pop(key) for key in list(_IDLE) if chosen(key)]
    for live in waiting:
        live.close()
