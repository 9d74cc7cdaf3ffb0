"""A workflow document as data (5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from goldsmith.documents.source import Mark
    from goldsmith.documents.workflows.step import Stage, WorkflowStep

ParameterType = Literal["string", "integer", "boolean", "stringList"]
ParameterValue = str | int | bool | list[str]


@dataclass(frozen=True)
class WorkflowParameter:
    """A declared parameter; ``default`` is None when a value must be supplied."""

    name: str
    type: ParameterType
    default: ParameterValue | None
    description: str
    mark: Mark

    def as_detail(self) -> dict[str, Any]:
        """Return AWS's WorkflowParameterDetail, whose values are lists of text."""
        detail: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.default is not None:
            values = self.default if isinstance(self.default, list) else [self.default]
            detail["defaultValue"] = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        return detail | ({"description": self.description} if self.description else {})


@dataclass(frozen=True)
class WorkflowOutput:
    """A declared output; ``value`` is as written: a path, a template or a plain value."""

    name: str
    value: Any
    mark: Mark


@dataclass(frozen=True)
class WorkflowDocument:
    """A whole, valid workflow document. ``source`` is its text, ``file`` where it came from."""

    name: str
    description: str
    type: Stage
    steps: tuple[WorkflowStep, ...]
    source: str
    file: str
    parameters: tuple[WorkflowParameter, ...] = ()
    outputs: tuple[WorkflowOutput, ...] = ()
    schema_version: str = "1.0"

    def actions(self) -> frozenset[str]:
        """Return the names of the actions of its steps."""
        return frozenset(step.action for step in self.steps)
