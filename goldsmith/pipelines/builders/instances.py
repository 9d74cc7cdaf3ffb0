"""Instances by what a step says: which kind is launched, and which one an id means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.sandbox import Sandbox, sandbox_id
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from goldsmith.pipelines.builders.instance import BuildInstance
    from goldsmith.pipelines.workflows.action import StepRun


def launch(step: StepRun) -> BuildInstance:
    """Launch the instance that a LaunchInstance step asks for, once for the step's id."""
    return Sandbox.launch(step)


def find_instance(step: StepRun) -> BuildInstance:
    """Return the instance that the step's instanceId names. Raises ActionFailedError when there is none."""
    identifier = str(step.inputs["instanceId"])
    found = Sandbox.find(step, identifier)
    if found is None:
        raise ActionFailedError(
            f"The step {step.name} names the instance {identifier}, which this build does not have.",
            mend="Give the output instanceId of the LaunchInstance step, before the instance is terminated.",
        )
    return found


def find_launched(step: StepRun) -> BuildInstance | None:
    """Return the instance that a LaunchInstance step has made, if it has come so far and the instance is there."""
    return Sandbox.find(step, sandbox_id(step.id))
