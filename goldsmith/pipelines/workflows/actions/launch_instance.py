"""LaunchInstance: the instance on which an image is built or tested (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.instances import find_launched, launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Launch it, once for the step's id, and wait until it takes commands."""
    step.say("Launching instance")
    instance = launch(step)
    step.say(f"Launched instance (instance id: {instance.id})")
    instance.await_agent()
    return {"instanceId": instance.id}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - what it made is known by the step
    """End it, unless terminateInstanceOnFailure is false."""
    instance = find_launched(step)
    if instance is None:
        return False
    if instance.kept(terminates=bool(step.image.infrastructure.get("terminateInstanceOnFailure", True))):
        step.say(f"The instance {instance.id} stays: terminateInstanceOnFailure is false.")
        return False
    instance.terminate(wait=True)
    return True
