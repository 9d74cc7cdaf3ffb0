"""What an account is: it has a default VPC, and is of no other than that platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import default_vpc
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

LIMITS = {
    "max-instances": "1000",
    "vpc-max-security-groups-per-interface": "16",
    "max-elastic-ips": "0",
    "vpc-max-elastic-ips": "0",
}


@ec2.operation()
def describe_account_attributes(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell the caller's account's attributes."""
    values = {"supported-platforms": "VPC", "default-vpc": default_vpc(call).id, **LIMITS}
    asked = parameters.get("AttributeNames") or list(values)
    if unknown := [name for name in asked if name not in values]:
        raise AwsError("InvalidParameterValue", f"Value ({unknown[0][:64]}) for parameter attributeName is invalid.")
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": values[name]}]} for name in asked
        ]
    }
