"""A loop as its iterations (4.7). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.documents.component import ForLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from goldsmith.documents.component import Loop

DEFAULT_DELIMITER = ","

Outputs = list[dict[str, str]]


@dataclass(frozen=True)
class Iteration:
    """One turn of a loop; ``index`` counts from 0."""

    name: str
    index: int
    value: str


def iterations(loop: Loop, resolve: Callable[[str], str]) -> Iterator[Iteration]:
    """Return a loop's turns; expressions in a forEach are resolved once, before the first turn."""
    for index, value in enumerate(_values(loop, resolve)):
        yield Iteration(loop.name, index, value)


def _values(loop: Loop, resolve: Callable[[str], str]) -> Iterator[str] | list[str]:
    if isinstance(loop, ForLoop):
        beyond = loop.end + (1 if loop.update_by > 0 else -1)
        return map(str, range(loop.start, beyond, loop.update_by))
    if isinstance(loop.items, str):
        text = resolve(loop.items)
        return text.split(loop.delimiter or DEFAULT_DELIMITER) if text else []
    return [resolve(item) for item in loop.items]


def collate(turns: Sequence[Outputs]) -> Outputs:
    """Join the outputs of successive turns: place by place, key by key, with newlines."""
    joined: list[dict[str, list[str]]] = []
    for turn in turns:
        for place, outputs in enumerate(turn):
            if place == len(joined):
                joined.append({})
            for key, value in outputs.items():
                joined[place].setdefault(key, []).append(value)
    return [{key: "\n".join(values) for key, values in place.items()} for place in joined]
