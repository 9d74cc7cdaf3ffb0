"""Settings of an account in a region, that operations turn on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

SETTING = "account-setting"


def read_setting(call: Call, name: str) -> Mapping[str, Any]:
    """Return a setting of the caller's account in the call's region, empty where it was never made."""
    found = call.catalog.own(SETTING, _identifier(call, name))
    return found.document if found else {}


def write_setting(call: Call, name: str, values: Mapping[str, Any]) -> None:
    """Make a setting of the caller's account in the call's region, in place of what it was."""
    found = call.catalog.own(SETTING, _identifier(call, name))
    made = Resource(_identifier(call, name), SETTING, call.account.id, call.region, document=values)
    if found is None:
        call.catalog.add(made)
    else:
        call.catalog.save(made)


def _identifier(call: Call, name: str) -> str:
    return f"{call.account.id}/{name}"
