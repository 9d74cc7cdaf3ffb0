"""DistributeImage: the output AMI is copied to the regions and accounts that are to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.distributing import distribute, source_image
from goldsmith.pipelines.distribution.lending import take_back
from goldsmith.pipelines.distribution.outcomes import Outcome, conclude
from goldsmith.pipelines.distribution.wanted import copies_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Return distributedImages; without a configuration the AMI stays where it is, and is all there is."""
    wanted = copies_wanted(step)
    if not wanted:
        source = source_image(step)
        return conclude(
            step,
            "distributedImages",
            [Outcome(step.image.region, step.image.account, source["Name"], source["ImageId"])],
        )
    return conclude(step, "distributedImages", distribute(step, wanted))


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:
    """Share no longer what was shared for a copy; the copies stay, as AWS leaves them."""
    del outputs
    return take_back(step)
