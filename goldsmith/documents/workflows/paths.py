"""The references of workflow documents (5.2): ``$.root.name…`` as a value, and ``{{ $.root.name… }}`` within text.

The forms are those of AWS's guide, "Use dynamic variables in your workflow document".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Root = Literal["parameters", "stepOutputs", "workflowOutputs", "imagebuilder"]

ROOTS: tuple[Root, ...] = ("parameters", "stepOutputs", "workflowOutputs", "imagebuilder")
SUFFIX = ".$"

_PATH = re.compile(r"\$((?:\.[A-Za-z0-9_-]{1,128}(?:\[[0-9]{1,6}\])*){1,32})")
_BRACES = re.compile(r"\{\{\s*(\$\.[^{}]*?)\s*\}\}")
_SEGMENT = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")


@dataclass(frozen=True)
class Path:
    """A reference: ``parts`` lead from the root to the value, keys as text and indexes, from 0, as numbers."""

    parts: tuple[str | int, ...]
    written: str = field(default="", compare=False, repr=False)

    @property
    def root(self) -> str:
        """The first part, which is one of ROOTS in a valid document."""
        return str(self.parts[0])

    def __str__(self) -> str:
        return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.parts)


@dataclass(frozen=True)
class Template:
    """Text with references in it: ``parts`` are plain text and paths, in order."""

    parts: tuple[str | Path, ...]


def parse_path(text: str, *, written: str = "") -> Path | None:
    """Return the path that a text is, None when it has not the form of one."""
    match = _PATH.fullmatch(text)
    if match is None:
        return None
    segments = _SEGMENT.finditer(match[1])
    parts = tuple(part[1] if part[1] is not None else int(part[2]) for part in segments)
    return Path(parts, written or text)


def whole_path(text: str) -> Path | None:
    """Return the path that text without the suffix stands for: official examples forget the suffix.

    Text that only looks like a path, with a root that workflows do not have, is plain text.
    """
    path = parse_path(text)
    return path if path and path.root in ROOTS else None


def parse_template(text: str) -> Template | None:
    """Return text with its references apart; None when there is none in it."""
    parts: list[str | Path] = []
    end = 0
    for match in _BRACES.finditer(text):
        path = parse_path(match[1], written=match[0])
        if path is None:
            continue
        parts += [text[end : match.start()], path]
        end = match.end()
    return Template(tuple(part for part in (*parts, text[end:]) if part != "")) if end else None


def parse_value(text: str) -> str | Path | Template:
    """Return what a text that stands for itself is: a path, a template, or the text."""
    return whole_path(text) or parse_template(text) or text


def split_key(key: str) -> tuple[str, bool]:
    """Return a key without the suffix ``.$``, and whether it had it."""
    return (key.removesuffix(SUFFIX), True) if key.endswith(SUFFIX) and key != SUFFIX else (key, False)
