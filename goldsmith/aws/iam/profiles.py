"""Instance profiles: what puts a role on an instance, and the credentials that its metadata then has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.powers import power_of, require_power
from goldsmith.aws.iam.records import GLOBAL, PROFILE, ROLE, iam_catalog
from goldsmith.catalog.accounts import Credential, start_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.catalog import Catalog

CREDENTIAL_SECONDS = 6 * 3600
"""How long an instance's credentials are good for, as on EC2; they are to be renewed well before."""


def find_profile(call: Call, *, arn: str | None = None, name: str | None = None) -> dict[str, str]:
    """Return the "Arn" and "Id" of the profile that a launch means. Raises AwsError in the words that clients retry.

    The caller must be allowed as much as the profile's role itself.
    """
    if arn and name:
        raise AwsError(
            "InvalidParameterCombination",
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
        )
    catalog = iam_catalog(call)
    asked = name or (arn or "").rpartition("/")[2]
    profile = catalog.named(PROFILE, asked.lower())
    if profile is None or (arn and profile.document["Arn"] != arn):
        member, words = ("name", "name") if name else ("arn", "ARN")
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({(name or arn or '')[:200]}) for parameter iamInstanceProfile.{member} is invalid. "
            f"Invalid IAM Instance Profile {words}",
        )
    role = catalog.own(ROLE, profile.inner["role"]) if profile.inner.get("role") else None
    if role is None:
        raise AwsError(
            "InvalidParameterValue", f'IAM Instance Profile "{profile.document["Arn"]}" has no associated IAM Roles'
        )
    require_power(call, power_of(catalog, role))
    return {"Arn": profile.document["Arn"], "Id": profile.id}


def require_power_over(call: Call, asked: Mapping[str, Any] | None) -> None:
    """Raise AwsError when a profile that a template names stands for more than the caller may do itself.

    One that is not there is for the launch to refuse.
    """
    name = (asked or {}).get("Name") or ((asked or {}).get("Arn") or "").rpartition("/")[2]
    catalog = iam_catalog(call)
    profile = catalog.named(PROFILE, name.lower()) if name else None
    role = catalog.own(ROLE, profile.inner["role"]) if profile is not None and profile.inner.get("role") else None
    if role is not None:
        require_power(call, power_of(catalog, role))


def role_credentials(cloud: Cloud, catalog: Catalog, profile: str, session: str = "instance") -> dict[str, str]:
    """Return fresh credentials of a profile's role: its name, and the JSON text that instance metadata has under it.

    ``profile`` is an ARN, ``session`` the instance's id. {} where the profile or its role is no more.
    """
    catalog = catalog.elsewhere(GLOBAL)
    found = catalog.named(PROFILE, profile.rpartition("/")[2].lower())
    role = catalog.own(ROLE, found.inner["role"]) if found is not None and found.inner.get("role") else None
    if role is None:
        return {}
    name = str(role.document["RoleName"])
    power = power_of(catalog, role)
    origin = Credential(role.id, "", catalog.account, name, power)
    user = f"assumed-role/{name}/{session}"
    given, token = start_session(cloud.vault, origin, user=user, role=power, seconds=CREDENTIAL_SECONDS)
    credentials = {
        "Code": "Success",
        "LastUpdated": _moment(cloud.clock()),
        "Type": "AWS-HMAC",
        "AccessKeyId": given.key_id,
        "SecretAccessKey": given.secret,
        "Token": token,
        "Expiration": _moment(given.expires or 0),
    }
    return {name: json.dumps(credentials, indent=2)}


def _moment(seconds: float) -> str:
    """Return a time as instance metadata writes it, which some SDKs parse without fractions only."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
