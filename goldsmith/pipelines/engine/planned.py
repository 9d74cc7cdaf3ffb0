"""The workflows that a build runs, stage by stage (5.1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.workflows.step import Stage


@dataclass(frozen=True)
class PlannedWorkflow:
    """One workflow of a build: its build version's ARN, its document's text, and how it is configured.

    ``parameters`` are as in WorkflowConfiguration; ``continues`` says that its failure does not fail the image.
    """

    arn: str
    stage: Stage
    text: str
    parameters: tuple[Mapping[str, Any], ...] = ()
    group: str = ""
    continues: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `as_json` made a value of."""
        return cls(**{**value, "parameters": tuple(value["parameters"])})
