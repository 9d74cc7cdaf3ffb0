"""Security groups and their rules in the catalogue: finding, adding and removing them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import default_vpc, ensure_network
from goldsmith.aws.ec2.ids import owned
from goldsmith.aws.ec2.ip_permissions import describe_rule, key_of
from goldsmith.aws.errors import AwsError
from goldsmith.catalog.resources import Query, Resource, new_id
from goldsmith.machines.instances.ingress import IngressRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.catalog import Catalog

GROUP = "security-group"
RULE = "security-group-rule"
"""A rule's name in the catalogue is the id of its group."""

MOST_RULES = 1000
"""Rules of a group: as many as AWS raises its quota to."""


def find_group(call: Call, parameters: Mapping[str, Any]) -> Resource:
    """Return the caller's group that a request means by GroupId or GroupName. Raises AwsError for none."""
    ensure_network(call)
    if parameters.get("GroupId"):
        return owned(call, GROUP, str(parameters["GroupId"]))
    name = str(parameters.get("GroupName") or "")
    if not name:
        raise AwsError("MissingParameter", "The request must contain the parameter GroupName or GroupId")
    return named_group(call, name)


def named_group(call: Call, name: str) -> Resource:
    """Return the caller's group of that name. Raises AwsError for none."""
    group = call.catalog.named(GROUP, name)
    if group is None:
        vpc = default_vpc(call).id
        raise AwsError(
            "InvalidGroup.NotFound", f"The security group '{name[:255]}' does not exist in default VPC '{vpc}'"
        )
    return group


def rules_of(catalog: Catalog, groups: Sequence[str]) -> dict[str, list[Resource]]:
    """Return the rules of an account's groups by the groups' ids, in the order in which they were made."""
    found: dict[str, list[Resource]] = {group: [] for group in groups}
    if groups:
        for rule in catalog.find(Query(RULE, names=tuple(groups), owners=(catalog.account.id,))):
            found[rule.name].append(rule)
    return found


def ingress_rules(rules: Iterable[Resource]) -> list[IngressRule]:
    """Return what rules let in, as machines open ports by it; what a group or ICMP lets in opens none."""
    found = [rule.document for rule in rules if not rule.document["IsEgress"]]
    return [
        IngressRule(rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule.get("CidrIpv4", ""))
        for rule in found
        if rule["IpProtocol"] in {"tcp", "udp", "-1"}
    ]


def add_rules(
    call: Call, group: Resource, rules: Sequence[Mapping[str, Any]], tags: Mapping[str, str]
) -> list[Resource]:
    """Add rules to a group. Raises AwsError for one that is there, or too many."""
    there = rules_of(call.catalog, [group.id])[group.id]
    known = {key_of(rule.document) for rule in there}
    for rule in rules:
        if key_of(rule) in known:
            raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{describe_rule(rule)}" already exists')
    if len(there) + len(rules) > MOST_RULES:
        raise AwsError("RulesPerSecurityGroupLimitExceeded", f"A security group has at most {MOST_RULES} rules.")
    return [
        call.catalog.add(
            Resource(new_id("sgr"), RULE, call.account.id, call.region, group.id, "", call.now, dict(rule)), tags
        )
        for rule in rules
    ]


def show_rules(call: Call, rules: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return rules as DescribeSecurityGroupRules shows them, without tags."""
    return [
        {
            **rule.document,
            "SecurityGroupRuleId": rule.id,
            "SecurityGroupRuleArn": f"arn:aws:ec2:{rule.region}:{rule.account}:security-group-rule/{rule.id}",
            "GroupId": rule.name,
            "GroupOwnerId": rule.account,
        }
        for rule in rules
    ]


def is_used(call: Call, group: Resource) -> bool:
    """Tell whether an instance that is not gone has the group, or another group's rule names it."""
    instances = call.catalog.find(Query("instance", owners=(call.account.id,)))
    if any(each.state != "terminated" and group.id in each.inner.get("groups", ()) for each in instances):
        return True
    rules = call.catalog.find(Query(RULE, owners=(call.account.id,)))
    return any(
        rule.name != group.id and rule.document.get("ReferencedGroupInfo", {}).get("GroupId") == group.id
        for rule in rules
    )


def apply_later(call: Call, group: Resource) -> None:
    """Let the change of a group's rules reach its instances once it is in the catalogue."""
    call.later(partial(_apply, call.cloud, call.account, call.region, group.id))


def _apply(cloud: Cloud, account: Account, region: str, group: str) -> None:
    from goldsmith.aws.ec2.reachability import apply_groups  # noqa: PLC0415 - it knows this module's rules

    apply_groups(cloud, account, region, [group])
