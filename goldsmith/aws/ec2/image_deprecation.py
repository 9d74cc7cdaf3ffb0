"""When AMIs become deprecated: others then find them only by id, or when they ask for deprecated ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import iso, seconds

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MINUTE = 60
YEAR = 365 * 24 * 3600
LATEST = 10
"""Years from now that a deprecation may be away."""

LATEST_PUBLIC = 2
"""Years from its making after which a public AMI is deprecated, if not before."""


@ec2.operation()
def enable_image_deprecation(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Set when an AMI becomes deprecated, to the minute."""
    image = own_image(call, parameters["ImageId"])
    when = _moment(parameters["DeprecateAt"])
    public = call.catalog.is_public(image)
    latest = _latest_public(image) if public else call.now + LATEST * YEAR
    if when < call.now - MINUTE:
        raise AwsError("InvalidParameterValue", "The deprecation date cannot be in the past.")
    if when > latest + MINUTE:
        span = f"{LATEST_PUBLIC} years from the creation of a public AMI" if public else f"{LATEST} years from now"
        raise AwsError("InvalidParameterValue", f"The deprecation date cannot be later than {span}.")
    call.catalog.save(image.having(DeprecationTime=iso(when)).knowing(deprecated_at_will=True))
    return {"Return": True}


@ec2.operation()
def disable_image_deprecation(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take an AMI's deprecation back; a public one's is then two years after its making."""
    image = own_image(call, parameters["ImageId"])
    free = image.having(DeprecationTime=None).knowing(deprecated_at_will=None)
    call.catalog.save(made_public(free) if call.catalog.is_public(image) else free)
    return {"Return": True}


def is_deprecated(image: Resource, now: float) -> bool:
    """Tell whether an image's deprecation time has come."""
    when = image.document.get("DeprecationTime")
    return bool(when) and seconds(str(when)) <= now


def made_public(image: Resource) -> Resource:
    """Return an image that becomes public with the deprecation that every public one has."""
    when, latest = image.document.get("DeprecationTime"), _latest_public(image)
    return image if when and seconds(str(when)) <= latest else image.having(DeprecationTime=iso(latest))


def made_private(image: Resource) -> Resource:
    """Return an image that is public no more without the deprecation that came of it."""
    return image if image.inner.get("deprecated_at_will") else image.having(DeprecationTime=None)


def _latest_public(image: Resource) -> float:
    return _to_minute(image.created + LATEST_PUBLIC * YEAR)


def _moment(text: str) -> float:
    """Return a time of a request to the nearest minute. Raises AwsError for none."""
    try:
        when = seconds(text)
        datetime.fromtimestamp(when + YEAR, UTC)
    except (ValueError, OverflowError, OSError) as wrong:
        raise AwsError(
            "InvalidParameterValue", f"Value ({text[:100]}) for parameter DeprecateAt is invalid. Expecting a time."
        ) from wrong
    return _to_minute(when)


def _to_minute(when: float) -> float:
    return float(round(when / MINUTE) * MINUTE)
