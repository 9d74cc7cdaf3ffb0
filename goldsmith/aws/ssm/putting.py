"""Putting parameters and removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ssm
from goldsmith.aws.ssm.names import arn_of, require_name, require_short
from goldsmith.aws.ssm.records import PARAMETER, SECRET, VERSION, labels_of, own_parameter, seal, versions_of
from goldsmith.aws.ssm.values import choose_tier, require_value
from goldsmith.aws.tags import parse_tags
from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.catalog import Catalog

MOST_VERSIONS = 100
MOST_PARAMETERS = 10_000
KEY = "alias/aws/ssm"


@ssm.operation(
    deviation="Secret values are sealed with this home's key, under the name alias/aws/ssm; parameter policies are "
    "refused; an image is looked for at once."
)
def put_parameter(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a parameter, or with Overwrite another version of it."""
    name = require_name(parameters["Name"])
    arn = require_short(arn_of(name, call.account.id, call.region))
    before = call.catalog.own(PARAMETER, arn)
    tags = parse_tags(parameters.get("Tags") or ())
    if before is not None:
        _require_overwriting(parameters)
    elif call.catalog.count(PARAMETER) >= MOST_PARAMETERS:
        raise AwsError("ParameterLimitExceeded", f"An account has at most {MOST_PARAMETERS} parameters in a region.")
    kind = _require_type(parameters, before)
    if parameters.get("Policies") not in {None, "", "[]"}:
        raise AwsError("IncompatiblePolicyException", "Parameter policies are not kept here; leave Policies out.")
    value = require_value(call, parameters, kind)
    tier = choose_tier(parameters.get("Tier") or "", str(before.document["Tier"]) if before else "", value)
    sealed = {"sealed": seal(call.cloud, arn, value)} if kind == SECRET else {}
    document = {
        "Type": kind,
        "Value": None if sealed else value,
        "KeyId": _key(parameters) if sealed else None,
        "LastModifiedDate": call.now,
        "LastModifiedUser": call.caller.arn,
        "Description": parameters.get("Description") or (before.document.get("Description") if before else None),
        "AllowedPattern": parameters.get("AllowedPattern"),
        "Tier": tier,
        "DataType": parameters.get("DataType") or "text",
    }
    version = write_version(call.catalog, before or _blank(call, arn, name), document, sealed)
    if tags:
        call.catalog.tag(version, tags)
    return {"Version": version.document["Version"], "Tier": tier}


@ssm.operation()
def delete_parameter(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove a parameter and all its versions."""
    _remove(call, own_parameter(call, parameters["Name"]))
    return {}


@ssm.operation()
def delete_parameters(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove parameters; tell which there were and which not."""
    deleted, invalid = [], []
    for name in dict.fromkeys(parameters["Names"]):
        try:
            _remove(call, own_parameter(call, name))
        except AwsError:
            invalid.append(name)
        else:
            deleted.append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}


def write_version(
    catalog: Catalog, parameter: Resource, document: Mapping[str, Any], inner: Mapping[str, Any]
) -> Resource:
    """Write a parameter's next version, and return the parameter. Raises AwsError where the oldest has a label.

    ``parameter`` has no position when it is not in the catalogue yet; members of ``document`` that are None are not.
    """
    number = int(parameter.document.get("Version", 0)) + 1
    whole = {**{name: value for name, value in document.items() if value is not None}, "Version": number}
    if number > MOST_VERSIONS:
        _forget_oldest(catalog, parameter)
    written = Resource(
        parameter.id,
        PARAMETER,
        parameter.account,
        parameter.region,
        parameter.name,
        "",
        parameter.created,
        whole,
        inner,
        parameter.position,
    )
    written = catalog.save(written) if parameter.position else catalog.add(written)
    catalog.add(
        Resource(
            f"{parameter.id}:{number}",
            VERSION,
            parameter.account,
            parameter.region,
            parameter.id,
            "",
            0,
            {**whole, "Labels": []},
            inner,
        )
    )
    return written


def _forget_oldest(catalog: Catalog, parameter: Resource) -> None:
    versions = versions_of(catalog, parameter)
    if len(versions) < MOST_VERSIONS:
        return
    if labels_of(versions[0]):
        raise AwsError(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {parameter.name} by calling the PutParameter API with the "
            f"overwrite flag. Version {versions[0].document['Version']}, the oldest version, can't be deleted because "
            "it has a label associated with it. Move the label to another version of the parameter, and try again.",
        )
    catalog.remove(versions[0])


def _remove(call: Call, parameter: Resource) -> None:
    for version in versions_of(call.catalog, parameter):
        call.catalog.remove(version)
    call.catalog.remove(parameter)


def _blank(call: Call, arn: str, name: str) -> Resource:
    return Resource(arn, PARAMETER, call.account.id, call.region, name, "", call.now)


def _require_overwriting(parameters: Mapping[str, Any]) -> None:
    if not parameters.get("Overwrite"):
        raise AwsError(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        )
    if parameters.get("Tags"):
        raise AwsError(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource.",
        )


def _require_type(parameters: Mapping[str, Any], before: Resource | None) -> str:
    asked, there = parameters.get("Type"), before.document["Type"] if before else None
    if not (asked or there):
        raise AwsError("ValidationException", "A parameter type is required when you create a parameter.")
    if asked and there and asked != there:
        raise AwsError(
            "HierarchyTypeMismatchException", f"The parameter is of the type {there}; a parameter's type stays."
        )
    return str(asked or there)


def _key(parameters: Mapping[str, Any]) -> str:
    if parameters.get("KeyId") not in {None, "", KEY}:
        raise AwsError("InvalidKeyId", f"The only key here is {KEY}.")
    return KEY
