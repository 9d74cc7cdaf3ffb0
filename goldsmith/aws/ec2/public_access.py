"""Block public access: whether an account's AMIs and snapshots may be shared with everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.account_settings import read_setting, write_setting
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

IMAGES = "image-block-public-access"
SNAPSHOTS = "snapshot-block-public-access"
UNBLOCKED = "unblocked"
BLOCK_ALL = "block-all-sharing"
OFF_AT_FIRST = "An account begins unblocked; on AWS a new one begins blocked."


@ec2.operation(role="admin", deviation=OFF_AT_FIRST)
def enable_image_block_public_access(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let no more of the account's AMIs become public; those that are stay so."""
    state = parameters["ImageBlockPublicAccessState"]
    write_setting(call, IMAGES, {"State": state})
    return {"ImageBlockPublicAccessState": state}


@ec2.operation(role="admin")
def disable_image_block_public_access(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let the account's AMIs be made public."""
    write_setting(call, IMAGES, {"State": UNBLOCKED})
    return {"ImageBlockPublicAccessState": UNBLOCKED}


@ec2.operation(deviation=OFF_AT_FIRST)
def get_image_block_public_access_state(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell whether the account's AMIs may be made public."""
    return {"ImageBlockPublicAccessState": _state(call, IMAGES), "ManagedBy": "account"}


@ec2.operation(role="admin", deviation=OFF_AT_FIRST)
def enable_snapshot_block_public_access(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let no more of the account's snapshots become public; block-all-sharing makes those that are private as well."""
    state = parameters["State"]
    if state == UNBLOCKED:
        raise AwsError("InvalidParameterValue", "Use DisableSnapshotBlockPublicAccess to unblock public sharing.")
    return _set_snapshots(call, state)


@ec2.operation(role="admin")
def disable_snapshot_block_public_access(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let the account's snapshots be public again, those that were made so before, too."""
    return _set_snapshots(call, UNBLOCKED)


@ec2.operation(deviation=OFF_AT_FIRST)
def get_snapshot_block_public_access_state(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell whether the account's snapshots may be public."""
    return {"State": _state(call, SNAPSHOTS), "ManagedBy": "account"}


def require_public_images(call: Call) -> None:
    """Raise AwsError when the caller's AMIs may not be made public."""
    if _state(call, IMAGES) != UNBLOCKED:
        raise AwsError(
            "OperationNotPermitted",
            "You can't publicly share this image because block public access for AMIs is enabled for this account. To "
            "publicly share the image, you must call the DisableImageBlockPublicAccess API.",
        )


def require_public_snapshots(call: Call) -> None:
    """Raise AwsError when the caller's snapshots may not be made public."""
    if _state(call, SNAPSHOTS) != UNBLOCKED:
        raise AwsError(
            "OperationNotPermitted",
            "You can't publicly share this snapshot because block public access for snapshots is enabled for this "
            "account. To publicly share the snapshot, you must call the DisableSnapshotBlockPublicAccess API.",
        )


def _set_snapshots(call: Call, state: str) -> dict[str, Any]:
    call.catalog.withhold("snapshot", withheld=state == BLOCK_ALL)
    write_setting(call, SNAPSHOTS, {"State": state})
    return {"State": state}


def _state(call: Call, setting: str) -> str:
    return str(read_setting(call, setting).get("State", UNBLOCKED))
