"""What security groups let in and out: granting and revoking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, owned, require_all, require_form
from goldsmith.aws.ec2.ip_permissions import key_of, parse_permissions, show_permissions
from goldsmith.aws.ec2.security_group_records import (
    RULE,
    add_rules,
    apply_later,
    find_group,
    named_group,
    rules_of,
    show_rules,
)
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

EGRESS = "Rules for what goes out are kept and shown, and not enforced: a guest reaches what QEMU's user network does."


@ec2.operation(
    role="launcher",
    deviation="A rule whose source is another group opens nothing: this host is the only place "
    "from which instances are reached.",
)
def authorize_security_group_ingress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let something in."""
    return _authorize(call, parameters, egress=False)


@ec2.operation(role="launcher", deviation=EGRESS)
def authorize_security_group_egress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let something out."""
    return _authorize(call, parameters, egress=True)


@ec2.operation(role="launcher")
def revoke_security_group_ingress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let something in no longer; what was not let in is told, as AWS does in a default VPC."""
    return _revoke(call, parameters, egress=False)


@ec2.operation(role="launcher", deviation=EGRESS)
def revoke_security_group_egress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Let something out no longer."""
    return _revoke(call, parameters, egress=True)


def requested_rules(call: Call, parameters: Mapping[str, Any], *, egress: bool) -> list[dict[str, Any]]:
    """Return the rules that a request means by IpPermissions or by the older parameters beside it."""

    def find(pair: Mapping[str, Any]) -> dict[str, str]:
        return _peer(call, pair)

    permissions = list(parameters.get("IpPermissions") or ())
    source = parameters.get("SourceSecurityGroupName")
    if source or parameters.get("CidrIp") or parameters.get("IpProtocol"):
        if permissions:
            raise AwsError(
                "InvalidParameterCombination",
                "The parameter 'ipPermissions' may not be used in combination with others",
            )
        permissions.append(
            {
                "IpProtocol": parameters.get("IpProtocol") or ("-1" if source else None),
                "FromPort": parameters.get("FromPort"),
                "ToPort": parameters.get("ToPort"),
                "IpRanges": [{"CidrIp": parameters["CidrIp"]}] if parameters.get("CidrIp") else [],
                "UserIdGroupPairs": [{"GroupName": source, "UserId": parameters.get("SourceSecurityGroupOwnerId")}]
                if source
                else [],
            }
        )
    return parse_permissions(permissions, egress=egress, find=find)


def _authorize(call: Call, parameters: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    tags = parse_specifications(parameters.get("TagSpecifications"), (RULE,)).get(RULE, {})
    group = find_group(call, parameters)
    added = add_rules(call, group, requested_rules(call, parameters, egress=egress), tags)
    apply_later(call, group)
    shown = [{**rule, "Tags": show_tags(tags)} for rule in show_rules(call, added)]
    return {"Return": True, "SecurityGroupRules": shown}


def _revoke(call: Call, parameters: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    group = find_group(call, parameters)
    there = [rule for rule in rules_of(call.catalog, [group.id])[group.id] if rule.document["IsEgress"] is egress]
    ids = parameters.get("SecurityGroupRuleIds") or ()
    unknown: list[dict[str, Any]] = []
    if ids:
        require_form(RULE, *ids)
        gone = [rule for rule in there if rule.id in ids]
        require_all(RULE, ids, gone)
    else:
        by_key = {key_of(rule.document): rule for rule in there}
        asked = requested_rules(call, parameters, egress=egress)
        gone = [by_key[key_of(rule)] for rule in asked if key_of(rule) in by_key]
        unknown = show_permissions([rule for rule in asked if key_of(rule) not in by_key], egress=egress)
    for rule in gone:
        call.catalog.remove(rule)
    apply_later(call, group)
    return {
        "Return": True,
        "UnknownIpPermissions": unknown,
        "RevokedSecurityGroupRules": [_revoked(rule) for rule in gone],
    }


def _revoked(rule: Resource) -> dict[str, Any]:
    document = dict(rule.document)
    referenced = document.pop("ReferencedGroupInfo", None)
    named = {"ReferencedGroupId": referenced["GroupId"]} if referenced else {}
    return {**document, **named, "SecurityGroupRuleId": rule.id, "GroupId": rule.name}


def _peer(call: Call, pair: Mapping[str, Any]) -> dict[str, str]:
    """Return the group that a UserIdGroupPair means: one of the caller's own."""
    if pair.get("UserId") not in {None, "", call.account.id}:
        raise missing("security-group", [str(pair.get("GroupId") or pair.get("GroupName") or "")])
    if pair.get("GroupId"):
        group = owned(call, "security-group", pair["GroupId"])
    elif pair.get("GroupName"):
        group = named_group(call, pair["GroupName"])
    else:
        raise AwsError("MissingParameter", "The request must contain the parameter GroupId of a group pair")
    return {"GroupId": group.id, "UserId": group.account}
