"""ApplyImageConfigurations: launch templates, parameters and buckets get the distributed AMIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.configuring import configure
from goldsmith.pipelines.distribution.outcomes import conclude
from goldsmith.pipelines.distribution.wanted import configurations_wanted, distributed_images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Return configuredImages: those of the distributed images that there was something to do with."""
    return conclude(step, "configuredImages", configure(step, distributed_images(step), configurations_wanted(step)))


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:
    """Change nothing: AWS has no rollback of this action."""
    del step, outputs
    return False
