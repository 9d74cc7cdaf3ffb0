"""What files want and what becomes of it: a resource wanted, and the change that makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.source import Mark
    from goldsmith.documents.templates.scope import Identity

    Known = Mapping[str, Identity]

Verb = Literal["create", "new version", "new build", "update", "unchanged", "left out", "conflict"]


@dataclass(frozen=True)
class Wanted:
    """A resource that a file wants.

    ``key`` is its own in one run; ``parameters`` gives those of its Create operation once the identities of ``needs``
    are known. ``note`` is what the plan says of it besides. ``awaited``: something needs what only its end gives.
    """

    key: str
    kind: str
    name: str
    mark: Mark
    parameters: Callable[[Known], dict[str, Any]]
    needs: frozenset[str] = frozenset()
    note: str = ""
    awaited: bool = False


@dataclass(frozen=True)
class Step:
    """One call of an operation."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What makes a resource as it is wanted: calls, none where it is so already.

    ``details`` say what differs, or why it cannot be. ``identity`` is what it will be, as far as that can be told.
    """

    verb: Verb
    kind: str
    name: str
    identity: Identity
    steps: tuple[Step, ...] = ()
    details: tuple[str, ...] = ()
