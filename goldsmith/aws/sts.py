"""Who is calling, and temporary credentials (STS)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import sts
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.accounts import start_session

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.accounts import Credential

SESSION_SECONDS = 12 * 3600
ROLE_SECONDS = 3600
ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")


@sts.operation(role="reader")
def get_caller_identity(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Say who signed."""
    return {"UserId": call.caller.key_id, "Account": call.account.id, "Arn": call.caller.arn}


@sts.operation(role="reader")
def get_session_token(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give temporary credentials for the caller's own role."""
    if call.caller.expires is not None:
        raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials")
    seconds = parameters.get("DurationSeconds") or SESSION_SECONDS
    session, token = start_session(
        call.cloud.vault, call.caller, user=call.caller.user, role=call.caller.role, seconds=seconds
    )
    return {"Credentials": _show(session, token)}


@sts.operation(
    role="reader",
    deviation="A role's name is one of reader, launcher, builder, admin, no more than the "
    "caller's own, in the caller's account; there are no trust policies.",
)
def assume_role(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give temporary credentials for a lesser role of the caller's account."""
    asked = parameters["RoleArn"]
    if not ARN.fullmatch(asked):
        raise AwsError("ValidationError", f"{asked} is invalid")
    match = re.fullmatch(r"arn:aws:iam::([0-9]{12}):role/(?:.*/)?(reader|launcher|builder|admin)", asked)
    order = ("reader", "launcher", "builder", "admin")
    if not match or match[1] != call.account.id or order.index(match[2]) > order.index(call.caller.role):
        raise AwsError(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {asked}",
        )
    user = f"assumed-role/{match[2]}/{parameters['RoleSessionName']}"
    seconds = parameters.get("DurationSeconds") or ROLE_SECONDS
    session, token = start_session(call.cloud.vault, call.caller, user=user, role=match[2], seconds=seconds)  # type: ignore[arg-type]
    return {
        "Credentials": _show(session, token),
        "AssumedRoleUser": {"AssumedRoleId": f"{session.key_id}:{parameters['RoleSessionName']}", "Arn": session.arn},
    }


@sts.operation(role="reader", deviation="Refusals here hold their reason in the clear; there is nothing to decode.")
def decode_authorization_message(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse: no message of this server is encoded."""
    raise AwsError("InvalidAuthorizationMessageException", "The message is none that this server encoded.")


def _show(session: Credential, token: str) -> dict[str, Any]:
    return {
        "AccessKeyId": session.key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": token,
        "Expiration": iso(session.expires or 0),
    }
