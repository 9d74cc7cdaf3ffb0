"""Instances by what a step says: which kind is launched, and which one an id means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.machine import Machine
from goldsmith.pipelines.builders.sandbox import Sandbox, sandbox_id
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from goldsmith.pipelines.builders.instance import BuildInstance
    from goldsmith.pipelines.workflows.action import StepRun

BUILDER_TAG = "goldsmith:builder"
"""Of an infrastructure configuration's resourceTags: "sandbox", which is the default, or "machine"."""


def launch(step: StepRun) -> BuildInstance:
    """Launch the instance that a LaunchInstance step asks for, once for the step's id.

    Tests run in a machine, which is what the image will be; building is for a sandbox unless asked otherwise.
    """
    builder = (step.image.infrastructure.get("resourceTags") or {}).get(BUILDER_TAG, "sandbox")
    if builder not in {"sandbox", "machine"}:
        raise ActionFailedError(
            f"The resource tag {BUILDER_TAG} of the infrastructure configuration is {builder!r}.",
            mend="It is sandbox or machine.",
        )
    if step.stage == "TEST" or builder == "machine":
        return Machine.launch(step)
    return Sandbox.launch(step)


def find_instance(step: StepRun) -> BuildInstance:
    """Return the instance that the step's instanceId names. Raises ActionFailedError when there is none."""
    identifier = str(step.inputs["instanceId"])
    found = Sandbox.find(step, identifier) or Machine.find(step, identifier)
    if found is None:
        raise ActionFailedError(
            f"The step {step.name} names the instance {identifier}, which this build does not have.",
            mend="Give the output instanceId of the LaunchInstance step, before the instance is terminated.",
        )
    return found


def find_launched(step: StepRun) -> BuildInstance | None:
    """Return what a LaunchInstance step has made so far, if anything of it is there."""
    return Sandbox.find(step, sandbox_id(step.id)) or Machine.find_launched(step)
