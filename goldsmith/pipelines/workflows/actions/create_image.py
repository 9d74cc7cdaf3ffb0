"""CreateImage: an AMI of the instance (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Make the image's AMI."""
    ami = find_instance(step).create_image()
    step.say(f"Created AMI {ami}")
    return {"imageId": ami}


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - Image Builder leaves it, too
    """Undo nothing: as on AWS, an AMI whose tests failed stays for those who look for the reason."""
    return False
