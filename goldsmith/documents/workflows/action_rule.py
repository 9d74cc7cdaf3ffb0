"""How a step's action is declared: the stages it may stand in, its time limits, what it takes and gives (5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from goldsmith.documents.workflows.step import STAGES

if TYPE_CHECKING:
    from goldsmith.documents.workflows.step import Stage

Kind = Literal["text", "flag", "texts", "textLists", "map", "list", "json", "any"]
OutputKind = Literal["text", "flag", "list"]


@dataclass(frozen=True)
class Input:
    """One input. ``fields`` are the members of a map, or of each map of a list, where they are known.

    A flag may be written as text. ``json`` is text that holds JSON, of at most 16 KiB. ``textLists`` is a map
    of lists of texts.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    fields: tuple[Input, ...] = ()


@dataclass(frozen=True)
class Output:
    """One output."""

    name: str
    kind: OutputKind
    description: str


@dataclass(frozen=True)
class ActionRule:
    """An action; times are in seconds. ``waits_for_people``: its time runs on while nobody serves."""

    name: str
    description: str
    default_timeout: int
    max_timeout: int
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    stages: tuple[Stage, ...] = STAGES
    rollback: str = ""
    waits_for_people: bool = False

    def input(self, name: str) -> Input | None:
        """Return the input of that name, if the action has one."""
        return next((each for each in self.inputs if each.name == name), None)

    def output(self, name: str) -> Output | None:
        """Return the output of that name, if the action has one."""
        return next((each for each in self.outputs if each.name == name), None)
