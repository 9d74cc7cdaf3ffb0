"""An image's AMI goes to regions at AWS: its blocks to the first of them, and AWS copies it to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.distribution.outcomes import Outcome, StageError
from goldsmith.pipelines.world import Publication

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.pipelines.distribution.copies import Target
    from goldsmith.pipelines.workflows.action import StepRun

RUNNING = "PublishAmiRunning"


def leaders(step: StepRun, targets: Sequence[Target]) -> dict[int, int]:
    """Return the places of the targets at AWS that are copied there, each with the one that it is a copy of."""
    first: dict[str, int] = {}
    led = {}
    for place, target in enumerate(targets):
        connection = step.world.connection(step.image.account, target.region)
        if connection and first.setdefault(connection, place) != place:
            led[place] = first[connection]
    return led


def publish(step: StepRun, source: Mapping[str, Any], target: Target, leader: Target | None) -> Outcome:
    """Bring the AMI to a region at AWS; the ``leader``'s, where there is one, has it already.

    Raises StageError, StoppedError, StepTimeoutError.
    """
    image = step.image
    if target.account != image.account:
        raise StageError(
            f"targetAccountIds {target.account}: {target.region} is a region of AWS's own, where AMIs are made in the "
            "account of its profile",
            step=RUNNING,
            mend="Share the AMI by launchPermission, or name the region once for each account in cloud.yml's aws.",
        )
    made = step.world.publish(
        image.account,
        image.region,
        source,
        _wanted(target),
        over=_wanted(leader) if leader else None,
        say=step.say,
        stop=step.stop,
    )
    step.say(f"Published {source['ImageId']} to {target.region} at AWS as {made}.")
    return Outcome(target.region, target.account, target.name, made, target.description)


def _wanted(target: Target) -> Publication:
    return Publication(target.region, target.name, target.description, target.tags, target.key)
