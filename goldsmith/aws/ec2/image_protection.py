"""Deregistration protection: an AMI that is not to go by accident, nor within a day of its protection's end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

COOLDOWN = 24 * 3600
DISABLED = "disabled"
WITH_COOLDOWN = "enabled-with-cooldown"
WITHOUT_COOLDOWN = "enabled-without-cooldown"


@ec2.operation()
def enable_image_deregistration_protection(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Protect an AMI from being deregistered."""
    image = own_image(call, parameters["ImageId"])
    protection = WITH_COOLDOWN if parameters.get("WithCooldown") else WITHOUT_COOLDOWN
    call.catalog.save(image.having(DeregistrationProtection=protection).knowing(protected_until=None))
    return {"Return": "true"}


@ec2.operation()
def disable_image_deregistration_protection(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End an AMI's protection: at once, or a day later where it was enabled so."""
    image = own_image(call, parameters["ImageId"])
    cools = image.document.get("DeregistrationProtection") == WITH_COOLDOWN
    until = call.now + COOLDOWN if cools else image.inner.get("protected_until")
    call.catalog.save(image.having(DeregistrationProtection=DISABLED).knowing(protected_until=until))
    return {"Return": "true"}


def require_unprotected(image: Resource, now: float) -> None:
    """Raise AwsError when an AMI may not be deregistered."""
    if image.document.get("DeregistrationProtection", DISABLED) != DISABLED:
        raise AwsError(
            "OperationNotPermitted",
            f"The image '{image.id}' is protected from deregistration. Disable its deregistration protection first.",
        )
    until = float(image.inner.get("protected_until", 0))
    if until > now:
        raise AwsError(
            "OperationNotPermitted",
            f"The image '{image.id}' is protected from deregistration until {iso(until)}, as its protection was "
            "enabled with a cooldown.",
        )
