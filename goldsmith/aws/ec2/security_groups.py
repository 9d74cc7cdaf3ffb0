"""Security groups: making, listing and removing them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import EVERYWHERE, default_vpc, ensure_network
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.ip_permissions import ALL, show_permissions
from goldsmith.aws.ec2.security_group_records import (
    GROUP,
    add_rules,
    find_group,
    is_used,
    named_group,
    rules_of,
)
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.aws.call import Call

NAME = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
ALL_OUT = {"IsEgress": True, "IpProtocol": ALL, "FromPort": -1, "ToPort": -1, "CidrIpv4": EVERYWHERE}


def _permission_filters(prefix: str, member: str) -> dict[str, str]:
    return {
        f"{prefix}.cidr": f"{member}[].IpRanges[].CidrIp",
        f"{prefix}.from-port": f"{member}[].FromPort",
        f"{prefix}.group-id": f"{member}[].UserIdGroupPairs[].GroupId",
        f"{prefix}.group-name": f"{member}[].UserIdGroupPairs[].GroupName",
        f"{prefix}.ipv6-cidr": f"{member}[].Ipv6Ranges[].CidrIpv6",
        f"{prefix}.prefix-list-id": f"{member}[].PrefixListIds[].PrefixListId",
        f"{prefix}.protocol": f"{member}[].IpProtocol",
        f"{prefix}.to-port": f"{member}[].ToPort",
        f"{prefix}.user-id": f"{member}[].UserIdGroupPairs[].UserId",
    }


FILTERS = {
    "description": "Description",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
    **_permission_filters("ip-permission", "IpPermissions"),
    **_permission_filters("egress.ip-permission", "IpPermissionsEgress"),
}


def show_groups(call: Call, groups: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return groups as DescribeSecurityGroups shows them, without tags."""
    rules = rules_of(call.catalog, [group.id for group in groups])
    items = []
    for group in groups:
        documents = [rule.document for rule in rules[group.id]]
        items.append(
            {
                **group.document,
                "GroupId": group.id,
                "GroupName": group.name,
                "OwnerId": group.account,
                "SecurityGroupArn": _arn(group),
                "IpPermissions": show_permissions(documents, egress=False),
                "IpPermissionsEgress": show_permissions(documents, egress=True),
            }
        )
    return items


LISTING = Listing(GROUP, "GroupIds", FILTERS, show_groups, {"group-id": "ids", "group-name": "names"})


@ec2.operation()
def describe_security_groups(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's security groups."""
    ensure_network(call)
    named = [named_group(call, name).id for name in parameters.get("GroupNames") or ()]
    items, more = describe(call, {**parameters, "GroupIds": [*(parameters.get("GroupIds") or ()), *named]}, LISTING)
    return {"SecurityGroups": items, **more}


@ec2.operation(role="launcher")
def create_security_group(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a group in the default VPC; it lets nothing in and everything out."""
    tags = parse_specifications(parameters.get("TagSpecifications"), (GROUP,)).get(GROUP, {})
    vpc = default_vpc(call)
    if parameters.get("VpcId"):
        vpc = owned(call, "vpc", parameters["VpcId"])
    name, description = _require_texts(parameters["GroupName"], parameters["Description"])
    if call.catalog.named(GROUP, name):
        raise AwsError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'")
    group = Resource(
        new_id("sg"),
        GROUP,
        call.account.id,
        call.region,
        name,
        "available",
        call.now,
        {"Description": description, "VpcId": vpc.id},
    )
    call.catalog.add(group, tags)
    add_rules(call, group, [ALL_OUT], {})
    return {"GroupId": group.id, "SecurityGroupArn": _arn(group), "Tags": show_tags(tags)}


@ec2.operation(role="launcher")
def delete_security_group(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Remove a group that no instance has and no other group names."""
    group = find_group(call, parameters)
    if group.name == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    if is_used(call, group):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
    for rule in rules_of(call.catalog, [group.id])[group.id]:
        call.catalog.remove(rule)
    call.catalog.remove(group)
    return {"Return": True, "GroupId": group.id}


def _arn(group: Resource) -> str:
    return f"arn:aws:ec2:{group.region}:{group.account}:security-group/{group.id}"


def _require_texts(name: str, description: str) -> tuple[str, str]:
    """Return a name and a description without spaces around. Raises AwsError for those that AWS does not take."""
    name = name.strip()
    if name.lower() == "default":
        raise AwsError("InvalidParameterValue", f"Cannot use reserved security group name: {name}")
    if name.startswith("sg-"):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({name[:255]}) for parameter GroupName is invalid. Group names may not be in the format sg-*",
        )
    for member, text in (("GroupName", name), ("GroupDescription", description)):
        if not NAME.fullmatch(text):
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({text[:255]}) for parameter {member} is invalid. Character sets beyond ASCII are not "
                "supported.",
            )
    return name, description
