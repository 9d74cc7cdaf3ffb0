"""How an action module is declared: what it takes, what it gives, where it runs.

The parser checks a step's inputs against its module's declaration; the reference manual is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "boolean", "strings", "parameters", "properties", "any"]
Shape = Literal["map", "list", "either", "expression"]
Platform = Literal["Linux", "Windows", "macOS"]

UNIX: tuple[Platform, ...] = ("Linux", "macOS")
WINDOWS: tuple[Platform, ...] = ("Windows",)
EVERYWHERE: tuple[Platform, ...] = ("Linux", "Windows", "macOS")


@dataclass(frozen=True)
class Input:
    """One input. ``choices`` are compared without regard to case.

    ``pattern`` is what a value without expressions must match, ``form`` says it in words.
    ``default`` is what stands when it is left out, None when nothing does.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""


@dataclass(frozen=True)
class Output:
    """One output, always a string."""

    name: str
    description: str


@dataclass(frozen=True)
class Module:
    """An action module.

    ``shape``: its ``inputs`` are one map, a list of maps (one for each operation), either of these, or a
    condition's expression. ``together``: inputs that come both or not at all. ``exactly_one``: inputs of
    which one must be given. ``unlimited``: the step has no time limit and a single attempt of its own.
    ``wildcard``: the input whose last path segment may hold ``*``.
    """

    name: str
    description: str
    shape: Shape
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    platforms: tuple[Platform, ...] = EVERYWHERE
    needs_inputs: bool = True
    together: tuple[tuple[str, str], ...] = ()
    exactly_one: tuple[tuple[str, str], ...] = ()
    unlimited: bool = False
    wildcard: str = ""

    def input(self, name: str) -> Input | None:
        """Return the input of that name, if the module has one."""
        return next((each for each in self.inputs if each.name == name), None)
