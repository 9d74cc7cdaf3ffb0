"""What SNS would carry of an image that is AVAILABLE or FAILED (Image Builder user guide, "SNS message format").

There is no SNS here: the envelope is an event of ours, for webhooks and for who follows the log.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.documents.arns import Arn
from goldsmith.documents.versions import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOON = 12

_SAME = (
    "arn",
    "name",
    "type",
    "state",
    "platform",
    "sourcePipelineArn",
    "outputResources",
    "osVersion",
    "enhancedImageMetadataEnabled",
    "buildType",
)
_NESTED = ("imageRecipe", "containerRecipe", "infrastructureConfiguration", "distributionConfiguration")


def notification(image: Mapping[str, Any], executions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the message on an image, ``image`` being what GetImage shows of it.

    ``executions`` has the ids of its runs, as buildExecutionId, testExecutionId, distributionJobId, integrationJobId.
    """
    arn = Arn.parse(str(image["arn"]))
    version = Version.parse(str(arn.version))
    message = {name: image[name] for name in _SAME if name in image}
    message |= {name: _nested(image[name], arn.account) for name in _NESTED if image.get(name)}
    if tests := image.get("imageTestsConfiguration"):
        message["imageTestsConfigurationDocument"] = tests
    return {
        "versionlessArn": str(arn).removesuffix(f"/{version}"),
        "semver": version.semver,
        **message,
        "version": str(version.release),
        "buildVersion": version.build,
        "dateCreated": _date(str(image["dateCreated"])),
        **(executions or {}),
        "accountId": arn.account,
        "tags": _marks(str(arn)),
    }


def envelope(topic: str, message: Mapping[str, Any], moment: float) -> dict[str, Any]:
    """Return a message as SNS delivers one to an HTTP endpoint, without a signature. ``moment`` is in seconds."""
    text = json.dumps(message)
    at = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{topic} {at} {text}")),
        "TopicArn": topic,
        "Message": text,
        "Timestamp": at,
    }


def _nested(value: Mapping[str, Any], account: str) -> dict[str, Any]:
    shown = {name: each for name, each in value.items() if name not in {"tags", "owner", "type", "dateUpdated"}}
    if "dateCreated" in shown:
        shown["dateCreated"] = _date(str(shown["dateCreated"]))
    return {**shown, "tags": _marks(str(value.get("arn", ""))), "accountId": account}


def _marks(arn: str) -> dict[str, str]:
    return {"internalId": str(uuid.uuid5(uuid.NAMESPACE_URL, arn)), "resourceArn": arn}


def _date(iso: str) -> str:
    """Return a time as these messages have it: "Jul 28, 2022 1:13:45 AM"."""
    at = datetime.fromisoformat(iso)
    half = "AM" if at.hour < NOON else "PM"
    return f"{MONTHS[at.month - 1]} {at.day}, {at.year} {at.hour % NOON or NOON}:{at:%M:%S} {half}"
