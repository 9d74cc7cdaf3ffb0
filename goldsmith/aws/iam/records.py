"""IAM's resources in the catalogue: they are of no region, and their names' letters are of no case."""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from goldsmith.aws.errors import AwsError
from goldsmith.aws.pagination import paginate
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.catalog import Catalog

GLOBAL = "aws-global"
"""The region under which the catalogue keeps what is of none."""

ROLE = "iam-role"
PROFILE = "instance-profile"
PAGE = 100
_ID_CHARACTERS = string.ascii_uppercase + string.digits


def iam_catalog(call: Call) -> Catalog:
    """Return the caller's view of IAM's resources."""
    return call.catalog.elsewhere(GLOBAL)


def new_unique_id(prefix: str) -> str:
    """Return a fresh id in IAM's form: AROA for a role, AIPA for an instance profile, and 17 characters."""
    return prefix + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(17))


def arn(account: Account, kind: str, path: str, name: str) -> str:
    """Return the ARN of a role or an instance profile."""
    return f"arn:aws:iam::{account.id}:{kind}{path}{name}"


def find_role(call: Call, name: str) -> Resource:
    """Return the caller's role of that name. Raises AwsError for none."""
    role = iam_catalog(call).named(ROLE, name.lower())
    if role is None:
        raise no_such(f"The role with name {name} cannot be found.")
    return role


def no_such(message: str) -> AwsError:
    """Return the refusal for what is not there."""
    return AwsError("NoSuchEntity", message)


def require_policy(text: str) -> str:
    """Return a policy document that is a JSON object. Raises AwsError for another text."""
    try:
        sound = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise AwsError("MalformedPolicyDocument", "The policy is not in the valid JSON format.")
    return text


def show_policy(text: str) -> str:
    """Return a policy document as IAM answers it: percent-encoded."""
    return quote(text, safe="")


def list_page(call: Call, parameters: Mapping[str, Any], kind: str) -> tuple[list[Resource], dict[str, Any]]:
    """Return a page of the caller's resources of a kind below PathPrefix, and how the answer says what follows."""
    prefix = parameters.get("PathPrefix") or "/"
    catalog = iam_catalog(call)

    def items(after: Any) -> Iterator[Resource]:
        for each in catalog.find(Query(kind, owners=(call.account.id,)), after=after or 0):
            if str(each.document["Path"]).startswith(prefix):
                yield each

    page, more = paginate(call, parameters, items, lambda each: each.position, default=PAGE)
    return page, following(more)


def following(more: Mapping[str, str]) -> dict[str, Any]:
    """Return what of a list is still to come, in IAM's words."""
    return {"IsTruncated": bool(more), **({"Marker": more["NextToken"]} if more else {})}
