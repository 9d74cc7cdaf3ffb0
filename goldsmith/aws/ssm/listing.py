"""Listing parameters without their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ssm
from goldsmith.aws.pagination import paginate
from goldsmith.aws.ssm.filters import ParameterFilters
from goldsmith.aws.ssm.records import PARAMETER
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

KEYS = ("Path", "Name", "Type", "KeyId", "Tier", "DataType", "tag:")
OLDER_KEYS = ("Name", "Type", "KeyId")


@ssm.operation()
def describe_parameters(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's parameters."""
    if parameters.get("Filters") and parameters.get("ParameterFilters"):
        raise AwsError("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
    if parameters.get("Shared"):
        return {"Parameters": []}
    older = ParameterFilters(parameters.get("Filters"), OLDER_KEYS)
    older.filters = [each._replace(option="BeginsWith") if each.key == "Name" else each for each in older.filters]
    newer = ParameterFilters(parameters.get("ParameterFilters"), KEYS)

    def items(after: Any) -> Iterator[Resource]:
        for each in call.catalog.find(Query(PARAMETER, owners=(call.account.id,)), after=after or 0):
            if older.match(each, call.catalog) and newer.match(each, call.catalog):
                yield each

    page, more = paginate(call, parameters, items, lambda each: each.position, default=50)
    return {"Parameters": [_show(each) for each in page], **more}


def _show(parameter: Resource) -> dict[str, Any]:
    shown = {name: value for name, value in parameter.document.items() if name != "Value"}
    return {**shown, "Name": parameter.name, "ARN": parameter.id, "Policies": []}
