"""What a pipeline names and nobody can find: each with its place, told all at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageNotFoundError
from goldsmith.components.library import UnknownComponent
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.documents.source import Mark


class UnresolvedError(GoldsmithError):
    """Something that a pipeline names does not exist, or cannot be used here."""

    exit_code = 2


class Faults:
    """What could not be resolved so far, each with its place in the pipeline file."""

    def __init__(self, mark_at: Callable[..., Mark]) -> None:
        self._mark_at = mark_at
        self._found: list[Fault] = []

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Note what is refused meanwhile as a fault of what stands under that path; a document's own keep theirs."""
        try:
            yield
        except DocumentError as wrong:
            self._found += wrong.faults
        except (UnresolvedError, UnknownComponent, ImageNotFoundError) as refused:
            self._found.append(Fault(self._mark_at(*path), " ".join(filter(None, (refused.message, refused.mend)))))

    def raise_any(self) -> None:
        """Raise DocumentError with every fault once."""
        if self._found:
            raise DocumentError(tuple(dict.fromkeys(self._found)))
