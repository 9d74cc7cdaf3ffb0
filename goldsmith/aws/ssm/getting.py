"""Reading parameters: by name, by path, and what they were before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ssm
from goldsmith.aws.pagination import paginate
from goldsmith.aws.ssm.filters import ParameterFilters
from goldsmith.aws.ssm.names import is_reserved
from goldsmith.aws.ssm.records import PARAMETER, find_parameter, find_version, show_value, value_of, versions_of
from goldsmith.catalog.resources import PUBLIC, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

BY_PATH = ("Type", "KeyId", "Label")
DECRYPTING = "WithDecryption of secret values takes the role launcher; /name and name are one parameter."


@ssm.operation(deviation=DECRYPTING)
def get_parameter(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a parameter, or a version of it: name:3, name:label."""
    parameter, version, selector = find_parameter(call, parameters["Name"])
    decrypt = bool(parameters.get("WithDecryption"))
    return {"Parameter": show_value(call, parameter, version, selector, decrypt=decrypt)}


@ssm.operation(deviation=DECRYPTING)
def get_parameters(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show parameters, and tell which there are not."""
    shown, invalid = [], []
    for name in dict.fromkeys(parameters["Names"]):
        try:
            parameter, version, selector = find_parameter(call, name)
        except AwsError:
            invalid.append(name)
        else:
            decrypt = bool(parameters.get("WithDecryption"))
            shown.append(show_value(call, parameter, version, selector, decrypt=decrypt))
    return {"Parameters": shown, "InvalidParameters": invalid}


@ssm.operation(deviation=DECRYPTING)
def get_parameters_by_path(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show the parameters below a path, with Recursive all of them."""
    path = parameters["Path"]
    if not path.startswith("/"):
        raise AwsError(
            "ValidationException",
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a "
            'forward slash "/".',
        )
    prefix = path if path.endswith("/") else f"{path}/"
    filters = ParameterFilters(parameters.get("ParameterFilters"), BY_PATH)
    owner = PUBLIC if is_reserved(path) else call.account.id
    query = Query(PARAMETER, prefix="" if prefix == "/" else prefix, owners=(owner,))

    def items(after: Any) -> Iterator[tuple[Resource, Resource]]:
        for parameter in call.catalog.find(query, after=after or 0):
            rest = parameter.name.removeprefix("/" if prefix == "/" else prefix)
            if "/" in rest and not parameters.get("Recursive"):
                continue
            version = find_version(call.catalog, parameter, filters.label) if filters.label else parameter
            if version is not None and filters.match(parameter, call.catalog):
                yield parameter, version

    page, more = paginate(call, parameters, items, lambda pair: pair[0].position, default=10)
    decrypt = bool(parameters.get("WithDecryption"))
    shown = [show_value(call, parameter, version, decrypt=decrypt) for parameter, version in page]
    return {"Parameters": shown, **more}


@ssm.operation(deviation=DECRYPTING)
def get_parameter_history(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a parameter's versions, the oldest first."""
    parameter, _, _ = find_parameter(call, parameters["Name"])
    decrypt = bool(parameters.get("WithDecryption"))

    def items(after: Any) -> Iterator[Resource]:
        return (each for each in versions_of(call.catalog, parameter) if each.position > (after or 0))

    page, more = paginate(call, parameters, items, lambda version: version.position, default=50)
    shown = [
        {
            **version.document,
            "Name": parameter.name,
            "Value": value_of(call, parameter, version, decrypt=decrypt),
            "Policies": [],
        }
        for version in page
    ]
    return {"Parameters": shown, **more}
