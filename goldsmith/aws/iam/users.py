"""Users: whom the access keys of an account are of. They are made with `goldsmith account`, not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.records import following, no_such
from goldsmith.aws.operations import iam
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.tables import ACCESS_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from goldsmith.aws.call import Call

DEVIATION = "Users and access keys are made with the goldsmith command, not with IAM's operations."


@iam.operation(deviation=DEVIATION)
def get_user(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a user of the caller's account, by default the caller."""
    name = _name(call, parameters)
    keys = [key for key in _keys(call) if key.user == name]
    if not keys:
        raise no_such(f"The user with name {name} cannot be found.")
    return {"User": _show(call, keys)}


@iam.operation(deviation=DEVIATION)
def list_users(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the users of the caller's account."""
    keys = _keys(call)
    names = sorted({key.user for key in keys})
    return {"Users": [_show(call, [key for key in keys if key.user == name]) for name in names], **following({})}


@iam.operation(deviation=DEVIATION)
def list_access_keys(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a user's access keys, without their secrets."""
    name = _name(call, parameters)
    shown = [
        {
            "UserName": key.user,
            "AccessKeyId": key.id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": iso(key.created),
        }
        for key in _keys(call)
        if key.user == name
    ]
    return {"AccessKeyMetadata": shown, **following({})}


@iam.operation()
def list_account_aliases(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell the account's name."""
    return {"AccountAliases": [call.account.name], **following({})}


def _name(call: Call, parameters: dict[str, Any]) -> str:
    if parameters.get("UserName"):
        return str(parameters["UserName"])
    if call.caller.expires is not None and call.caller.user.startswith("assumed-role/"):
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.caller.user


def _keys(call: Call) -> Sequence[Row[Any]]:
    mine = select(ACCESS_KEYS).where(ACCESS_KEYS.c.account == call.account.id)
    return call.catalog.connection.execute(mine.order_by(ACCESS_KEYS.c.created)).all()


def _show(call: Call, keys: Sequence[Row[Any]]) -> dict[str, Any]:
    first = keys[0]
    return {
        "Path": "/",
        "UserName": first.user,
        "UserId": f"AIDA{first.id[4:]}",
        "Arn": f"arn:aws:iam::{call.account.id}:user/{first.user}",
        "CreateDate": iso(first.created),
    }
