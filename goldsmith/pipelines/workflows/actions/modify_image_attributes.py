"""ModifyImageAttributes: distributed AMIs are shared with those who are to launch them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.outcomes import conclude
from goldsmith.pipelines.distribution.permissions import permit
from goldsmith.pipelines.distribution.wanted import attributes_wanted, distributed_images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Return modifiedImages: those of the distributed images that there was something to change on."""
    return conclude(step, "modifiedImages", permit(step, distributed_images(step), attributes_wanted(step)))


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:
    """Change nothing: AWS has no rollback of this action."""
    del step, outputs
    return False
