"""The expressions of component documents: ``{{ … }}`` in every form of 4.3.

The forms are those of AWS's guide, "Use variables in your custom component document". Text between braces
that is no such form (Go templates, Jinja, shell) is not an expression and stays as it is.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Side = Literal["inputs", "outputs"]

_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CHAIN = re.compile(
    r"([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{1,128})\.(inputs|outputs)(?:\[([0-9]{1,6})\])?\.([A-Za-z0-9_-]{1,128})"
)
_LOOP = re.compile(r"([A-Za-z0-9_-]{1,128})\.(index|value)")
_RESOLVE = re.compile(r"aws:ssm:resolve\((.+)\)")
_SSM = re.compile(r"aws:ssm:([A-Za-z0-9_.:/-]+)")
_ENV = re.compile(r"env:(.+)")
_IMDS = re.compile(r"aws:imds:([A-Za-z0-9_.:/-]+)")
_CONTEXT = re.compile(r"context:([A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Name:
    """A constant or parameter."""

    name: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ChainReference:
    """An input or output of an earlier step; ``index`` counts a list module's operations from 0."""

    phase: str
    step: str
    side: Side
    index: int | None
    key: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.phase}.{self.step}.{self.side}{index}.{self.key}"


@dataclass(frozen=True)
class LoopReference:
    """The current turn of the step's loop; ``name`` is ``loop`` or the loop's own name."""

    name: str
    field: Literal["index", "value"]
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name}.{self.field}"


@dataclass(frozen=True)
class SsmReference:
    """A parameter of the Parameter Store, by its name."""

    name: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"aws:ssm:{self.name}"


@dataclass(frozen=True)
class SsmResolve:
    """A parameter of the Parameter Store whose name is the value of another expression."""

    inner: Name | SsmReference
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"aws:ssm:resolve({self.inner})"


@dataclass(frozen=True)
class EnvReference:
    """A variable of the guest's environment; its name may hold dots, spaces and parentheses."""

    name: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"env:{self.name}"


@dataclass(frozen=True)
class ImdsReference:
    """Instance metadata, by its path below ``meta-data/``."""

    path: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"aws:imds:{self.path}"


@dataclass(frozen=True)
class ContextReference:
    """A fact about this run."""

    key: str
    written: str = dataclasses.field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"context:{self.key}"


Reference = (
    Name | ChainReference | LoopReference | SsmReference | SsmResolve | EnvReference | ImdsReference | ContextReference
)


def parse_template(text: str) -> tuple[str | Reference, ...]:
    """Split text into plain text and references; what is no known form is part of the plain text.

    Each reference's ``written`` is the text it was, braces and all, so that joining the parts' texts gives
    the whole again.
    """
    parts: list[str | Reference] = []
    plain = ""
    end = 0
    for match in _BRACES.finditer(text):
        reference = parse_reference(match[1], written=match[0])
        if reference is None:
            continue
        plain = text[end : match.start()]
        if plain:
            parts.append(plain)
        parts.append(reference)
        end = match.end()
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def references(text: str) -> tuple[Reference, ...]:
    """Return the references in a text, in order."""
    return tuple(part for part in parse_template(text) if not isinstance(part, str))


def render(text: str, resolve: Callable[[Reference], str | None]) -> str:
    """Return text with each reference replaced by what ``resolve`` makes of it; None leaves it as written.

    A value is not searched for expressions again.
    """
    return "".join(part if isinstance(part, str) else _value(part, resolve) for part in parse_template(text))


def parse_reference(expression: str, *, written: str = "") -> Reference | None:
    """Return what stands between two braces as a reference; None when it is no form of 4.3."""
    text = expression.strip()
    for pattern, build in _FORMS:
        if match := pattern.fullmatch(text):
            return build(match, written)
    return None


def _chain(match: re.Match[str], written: str) -> ChainReference:
    phase, step, side, index, key = match.groups()
    where: Side = "inputs" if side == "inputs" else "outputs"
    return ChainReference(phase, step, where, None if index is None else int(index), key, written)


def _loop(match: re.Match[str], written: str) -> LoopReference:
    return LoopReference(match[1], "index" if match[2] == "index" else "value", written)


def _resolve(match: re.Match[str], written: str) -> SsmResolve | None:
    inner = parse_reference(match[1])
    return SsmResolve(inner, written) if isinstance(inner, Name | SsmReference) else None


def _value(reference: Reference, resolve: Callable[[Reference], str | None]) -> str:
    value = resolve(reference)
    return reference.written if value is None else value


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Reference | None]], ...] = (
    (_CHAIN, _chain),
    (_LOOP, _loop),
    (_RESOLVE, _resolve),
    (_SSM, lambda match, written: SsmReference(match[1], written)),
    (_ENV, lambda match, written: EnvReference(match[1].strip(), written)),
    (_IMDS, lambda match, written: ImdsReference(match[1].strip("/"), written)),
    (_CONTEXT, lambda match, written: ContextReference(match[1], written)),
    (_NAME, lambda match, written: Name(match[0], written)),
)
