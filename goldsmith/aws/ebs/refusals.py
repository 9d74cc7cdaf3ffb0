"""Refusals of the EBS direct APIs: a code and, within it, a reason (EBS direct APIs reference, exceptions)."""

from __future__ import annotations

from goldsmith.aws.errors import AwsError


def invalid(reason: str, message: str) -> AwsError:
    """Return the refusal of a request that cannot be."""
    return AwsError("ValidationException", message, Reason=reason)


def no_snapshot(identifier: str) -> AwsError:
    """Return the refusal for a snapshot that is not there, or not for the caller: the two look alike."""
    return AwsError(
        "ResourceNotFoundException", f"The snapshot '{identifier}' does not exist.", Reason="SNAPSHOT_NOT_FOUND"
    )
