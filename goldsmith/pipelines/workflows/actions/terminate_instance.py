"""TerminateInstance: the instance ends, with all that came with it (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.instances import find_instance
from goldsmith.pipelines.workflows.action import NothingToDoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """End the instance, unless the infrastructure configuration has it stay after a success."""
    instance = find_instance(step)
    if instance.kept(terminates=bool(step.image.infrastructure.get("terminateInstanceOnCompletion", True))):
        step.say(f"The instance {instance.id} stays: terminateInstanceOnCompletion is false.")
        raise NothingToDoError
    instance.terminate(wait=bool(step.inputs.get("waitForTermination", False)))
    return {}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: an instance does not come back."""
    return False
