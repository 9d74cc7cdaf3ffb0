"""TerminateInstance: the instance ends, with all that came with it (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.instances import find_instance
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun

NOTE = "ending"
"""The step's note that it ends its instance: taken up after a kill, it finds none any more where it came to the end."""


def run(step: StepRun) -> Mapping[str, Any]:
    """End the instance, unless the infrastructure configuration has it stay after a success."""
    note = step.logs / NOTE
    try:
        instance = find_instance(step)
    except ActionFailedError:
        if note.exists():
            return {}
        raise
    if instance.kept(terminates=bool(step.image.infrastructure.get("terminateInstanceOnCompletion", True))):
        step.say(f"The instance {instance.id} stays: terminateInstanceOnCompletion is false.")
        raise NothingToDoError
    note.touch()
    instance.terminate(wait=bool(step.inputs.get("waitForTermination", False)))
    return {}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: an instance does not come back."""
    return False
