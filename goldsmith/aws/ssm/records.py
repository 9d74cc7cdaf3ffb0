"""Parameters in the catalogue: each one beside its versions, secret values sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.ssm.names import parse_reference
from goldsmith.catalog.accounts import ROLES
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.catalog import Catalog

PARAMETER = "parameter"
"""The kind of a parameter: its id is its ARN, its document that of its newest version."""

VERSION = "parameter-version"
"""The kind of a version: its name is the parameter's ARN."""

SECRET = "SecureString"  # noqa: S105 - the name of a type
DECRYPTING = "launcher"


def find_parameter(call: Call, text: str) -> tuple[Resource, Resource, str]:
    """Return the parameter that ``text`` names, the version of it that is meant, and the selector with its colon.

    Raises AwsError where the caller sees no such parameter or version.
    """
    reference = parse_reference(text, call.account.id, call.region)
    parameter = call.catalog.get(PARAMETER, reference.arn)
    if parameter is None or ":" in reference.selector:
        raise AwsError("ParameterNotFound", f"Parameter {text[:200]} not found.")
    if not reference.selector:
        return parameter, parameter, ""
    version = find_version(call.catalog, parameter, reference.selector)
    if version is None:
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {reference.selector[:100]} of {parameter.name}. Verify the "
            "version and try again.",
        )
    return parameter, version, f":{reference.selector}"


def own_parameter(call: Call, text: str) -> Resource:
    """Return a parameter of the caller's own. Raises AwsError for any other."""
    reference = parse_reference(text, call.account.id, call.region)
    parameter = call.catalog.own(PARAMETER, reference.arn)
    if parameter is None or reference.selector:
        raise AwsError("ParameterNotFound", f"Parameter {text[:200]} not found.")
    return parameter


def versions_of(catalog: Catalog, parameter: Resource) -> list[Resource]:
    """Return a parameter's versions, the oldest first."""
    return list(catalog.find(Query(VERSION, names=(parameter.id,))))


def find_version(catalog: Catalog, parameter: Resource, selector: str) -> Resource | None:
    """Return the version of that number or label."""
    if selector.isdecimal():
        return catalog.get(VERSION, f"{parameter.id}:{int(selector)}") if len(selector) <= 18 else None  # noqa: PLR2004 - digits of a long
    return next((each for each in versions_of(catalog, parameter) if selector in labels_of(each)), None)


def labels_of(version: Resource) -> list[str]:
    """Return a version's labels."""
    return list(version.document.get("Labels") or ())


def seal(cloud: Cloud, arn: str, value: str) -> str:
    """Return a secret value as it is kept."""
    return cloud.vault.seal_text(f"parameter {arn}", value)


def require_decrypting(call: Call) -> None:
    """Raise AwsError for who may look but launch nothing: AWS's readers cannot decrypt either."""
    if ROLES.index(call.caller.role) < ROLES.index(DECRYPTING):
        raise AwsError(
            "AccessDeniedException",
            f"User: {call.caller.arn} is not authorized to decrypt: it takes the role {DECRYPTING}, and this key has "
            f"{call.caller.role}.",
        )


def value_of(call: Call, parameter: Resource, version: Resource, *, decrypt: bool) -> str:
    """Return a version's value; of a secret one, unless it is to be decrypted, as it is kept."""
    sealed = version.inner.get("sealed")
    if sealed is None:
        return str(version.document["Value"])
    if not decrypt:
        return str(sealed)
    require_decrypting(call)
    return str(call.cloud.vault.unseal_text(f"parameter {parameter.id}", str(sealed)))


def show_value(
    call: Call, parameter: Resource, version: Resource, selector: str = "", *, decrypt: bool
) -> dict[str, Any]:
    """Return a parameter as GetParameter shows it."""
    document = version.document
    return {
        "Name": parameter.name,
        "Type": document["Type"],
        "Value": value_of(call, parameter, version, decrypt=decrypt),
        "Version": document["Version"],
        "Selector": selector or None,
        "LastModifiedDate": document["LastModifiedDate"],
        "ARN": parameter.id,
        "DataType": document["DataType"],
    }
