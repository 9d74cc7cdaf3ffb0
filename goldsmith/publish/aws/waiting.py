"""Waiting for what AWS does in its own time, until it is done, has failed or has taken too long.

What was just made may not be shown yet (EC2 is eventually consistent), so it is looked for by filters.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.image import own_images
from goldsmith.publish.aws.refusals import AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.publish.aws.clients import Clients

UNSEEN = 120.0
"""Seconds after which what is still not shown is gone."""

COMPLETION = 3600.0
"""Seconds for a snapshot to be completed: it takes seconds to minutes."""

COPYING = 7200.0
"""Seconds for an AMI to be available: a copy takes minutes."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_PENDING = {"pending", "transient"}


def await_snapshot(clients: Clients, region: str, snapshot: str) -> None:
    """Wait until a snapshot is completed. Raises AwsPublishError with AWS's reason when it never will be."""
    filters: Any = [{"Name": "snapshot-id", "Values": [snapshot]}]

    def look() -> Any:
        found = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
        return found[0] if found else None

    shown = _await(clients, f"The snapshot {snapshot}", look, COMPLETION)
    if shown["State"] != "completed":
        raise _never(f"The snapshot {snapshot}", shown["State"], shown.get("StateMessage", ""))


def await_image(clients: Clients, region: str, image: str) -> dict[str, Any]:
    """Wait until an AMI is available; return it. Raises AwsPublishError with AWS's reason when it never will be."""

    def look() -> Any:
        return next(iter(own_images(clients, region, "image-id", image)), None)

    shown = _await(clients, f"The AMI {image}", look, COPYING)
    require_alive(shown, region)
    result: dict[str, Any] = shown
    return result


def require_alive(image: Any, region: str) -> None:
    """Raise AwsPublishError for an AMI that is neither available nor on its way there."""
    state, named = image["State"], f"The AMI {image['ImageId']} ({image.get('Name', '')}) in {region}"
    if state == "disabled":
        raise AwsPublishError(
            f"{named} is disabled.", mend=f"`aws ec2 enable-image --region {region} --image-id {image['ImageId']}`."
        )
    if state != "available" and state not in _PENDING:
        raise AwsPublishError(
            f"{named} is in the state {state}{_because(image.get('StateReason', {}).get('Message', ''))}.",
            mend=f"`aws ec2 deregister-image --region {region} --image-id {image['ImageId']}`, then run it again.",
        )


def _await(clients: Clients, named: str, look: Callable[[], Any], most: float) -> Any:
    began, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        shown = look()
        waited = time.monotonic() - began
        if shown is not None and shown["State"] not in _PENDING:
            return shown
        if shown is None and waited > UNSEEN:
            raise AwsPublishError(f"{named} is gone.", mend="Somebody deleted it. Run it again: it begins a new one.")
        if waited > most:
            raise AwsPublishError(
                f"{named} is still pending after {most / 3600:.0f} h.", mend="Run it again later: it is waited for."
            )
        clients.pause(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _never(named: str, state: str, reason: str) -> AwsPublishError:
    mend = f"See to that reason first. {AGAIN}" if reason else AGAIN
    return AwsPublishError(f"{named} is in the state {state}{_because(reason)}.", mend=mend)


def _because(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""
