"""Tags as requests give them and answers show them (EC2 user guide, "Tag restrictions")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256
RESERVED = "aws:"


def parse_tags(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a request's tags. Raises AwsError for keys and values that AWS does not take."""
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        if not key:
            raise AwsError("InvalidParameterValue", "Tag key cannot be null or empty.")
        if value is None:
            raise AwsError("InvalidParameterValue", "Tag value cannot be null. Use empty string instead.")
        if key.lower().startswith(RESERVED):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > LONGEST_KEY:
            raise AwsError("InvalidParameterValue", f"Tag key exceeds the maximum length of {LONGEST_KEY} characters")
        if len(value) > LONGEST_VALUE:
            raise AwsError(
                "InvalidParameterValue", f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters"
            )
        if key in found:
            raise AwsError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        found[key] = value
    require_room(found)
    return found


def require_room(tags: Mapping[str, str]) -> None:
    """Raise AwsError where a resource would have more tags than it may."""
    if sum(not key.startswith(RESERVED) for key in tags) > MOST:
        raise AwsError("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")


def parse_specifications(
    specifications: Sequence[Mapping[str, Any]] | None, allowed: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the tags of a request's TagSpecifications by resource type, which must be among ``allowed``."""
    found: dict[str, dict[str, str]] = {}
    for specification in specifications or ():
        kind = specification.get("ResourceType")
        if not kind:
            raise AwsError("InvalidParameterValue", "Tag specification resource type must have a value")
        if kind not in allowed:
            raise AwsError(
                "InvalidParameterValue", f"'{kind}' is not a valid taggable resource type for this operation."
            )
        if not specification.get("Tags"):
            raise AwsError("InvalidParameterValue", "Tag specification must have at least one tag")
        if kind in found:
            raise AwsError("InvalidParameterValue", f"Tag specification for '{kind}' is given more than once.")
        found[kind] = parse_tags(specification["Tags"])
    return found


def show_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as an answer shows them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
