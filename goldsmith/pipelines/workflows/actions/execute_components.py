"""ExecuteComponents: the components' build and validate phases, or their test phases (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.commands import succeeded
from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Run the phases of the step's stage; a component that fails is told in full."""
    step.say("Sending command to instance to run")
    return succeeded(step, find_instance(step).run_components())


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: what components did ends with the instance."""
    return False
