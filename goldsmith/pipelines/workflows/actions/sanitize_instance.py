"""SanitizeInstance: what no image may carry is removed from the instance (6.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.commands import succeeded
from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Run the cleanup rules."""
    return succeeded(step, find_instance(step).sanitize())


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: what is removed ends with the instance."""
    return False
