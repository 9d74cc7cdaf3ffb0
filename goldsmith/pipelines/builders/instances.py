"""Instances by what a step says: which kind is launched, and which one an id means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.containers.host import KIND, ContainerHost, host_id
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

    A container has a host with an engine. An AMI's tests run in a machine, which is what the image will be; building
    is for a sandbox unless asked otherwise.
    """
    if step.image.kind == KIND:
        return ContainerHost.launch(step)
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
    found = Sandbox.find(step, identifier) or ContainerHost.find(step, identifier) or Machine.find(step, identifier)
    if found is None:
        raise ActionFailedError(
            f"The step {step.name} names the instance {identifier}, which this build does not have.",
            mend="Give the output instanceId of the LaunchInstance step, before the instance is terminated.",
        )
    return found


def find_container_host(step: StepRun) -> ContainerHost:
    """Return the container's host that the step's instanceId names. Raises ActionFailedError for any other."""
    found = find_instance(step)
    if not isinstance(found, ContainerHost):
        raise ActionFailedError(
            f"The step {step.name} is for containers, and the image {step.image.name} is an AMI.",
            mend="Give a container recipe, or leave the step out.",
        )
    return found


def find_launched(step: StepRun) -> BuildInstance | None:
    """Return what a LaunchInstance step has made so far, if anything of it is there."""
    return (
        Sandbox.find(step, sandbox_id(step.id))
        or ContainerHost.find(step, host_id(step.id))
        or Machine.find_launched(step)
    )
