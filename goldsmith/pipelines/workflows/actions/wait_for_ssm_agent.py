"""WaitForSSMAgent: until the instance takes commands (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Wait until commands can be run, for which nothing here needs the agent itself."""
    find_instance(step).await_agent()
    return {"status": "Online"}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: it only waited."""
    return False
