"""Single rules of security groups, by their ids: listing, changing and describing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.default_network import ensure_network
from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import KINDS, has_form, missing, owned, require_form
from goldsmith.aws.ec2.ip_permissions import (
    PEERS,
    describe_rule,
    key_of,
    parse_cidr,
    parse_cidr6,
    parse_description,
    parse_ports,
)
from goldsmith.aws.ec2.security_group_permissions import requested_rules
from goldsmith.aws.ec2.security_group_records import RULE, apply_later, find_group, rules_of, show_rules
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

PEER_MEMBERS = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
FILTERS = {"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"}
LISTING = Listing(
    RULE,
    "SecurityGroupRuleIds",
    FILTERS,
    show_rules,
    {"group-id": "names", "security-group-rule-id": "ids"},
)


@ec2.operation()
def describe_security_group_rules(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the rules of the caller's groups."""
    ensure_network(call)
    for group in Filters(parameters.get("Filters"), FILTERS).exact("group-id"):
        if not has_form(KINDS["security-group"], group):
            raise AwsError("InvalidGroupId.Malformed", f"The security group ID '{group[:200]}' is malformed")
    items, more = describe(call, parameters, LISTING)
    return {"SecurityGroupRules": items, **more}


@ec2.operation(role="launcher")
def modify_security_group_rules(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Replace what rules say; a rule's direction and kind of peer stay."""
    group = find_group(call, parameters)
    rules = {rule.id: rule for rule in rules_of(call.catalog, [group.id])[group.id]}
    for update in parameters["SecurityGroupRules"]:
        identifier = update["SecurityGroupRuleId"]
        require_form(RULE, identifier)
        if identifier not in rules:
            raise missing(RULE, [identifier])
        document = _changed(call, rules[identifier], update.get("SecurityGroupRule") or {})
        for other in rules.values():
            if other.id != identifier and key_of(other.document) == key_of(document):
                said = f'the specified rule "{describe_rule(document)}" already exists'
                raise AwsError("InvalidPermission.Duplicate", said)
        rules[identifier] = _write(call, rules[identifier], document)
    apply_later(call, group)
    return {"Return": True}


@ec2.operation(role="launcher")
def update_security_group_rule_descriptions_ingress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Replace the descriptions of rules for what comes in."""
    return _describe_anew(call, parameters, egress=False)


@ec2.operation(role="launcher")
def update_security_group_rule_descriptions_egress(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Replace the descriptions of rules for what goes out."""
    return _describe_anew(call, parameters, egress=True)


def _describe_anew(call: Call, parameters: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    group = find_group(call, parameters)
    there = [rule for rule in rules_of(call.catalog, [group.id])[group.id] if rule.document["IsEgress"] is egress]
    by_id = parameters.get("SecurityGroupRuleDescriptions") or ()
    if by_id:
        for each in by_id:
            identifier = str(each.get("SecurityGroupRuleId") or "")
            require_form(RULE, identifier)
            rule = next((rule for rule in there if rule.id == identifier), None)
            if rule is None:
                raise missing(RULE, [identifier])
            _write(call, rule, {**rule.document, "Description": None, **parse_description(each.get("Description"))})
        return {"Return": True}
    by_key = {key_of(rule.document): rule for rule in there}
    for asked in requested_rules(call, parameters, egress=egress):
        rule = by_key.get(key_of(asked))
        if rule is None:
            raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
        _write(call, rule, {**rule.document, "Description": asked.get("Description")})
    return {"Return": True}


def _changed(call: Call, rule: Resource, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule's document with what a request puts in its place. Raises AwsError for another kind of peer."""
    peers: dict[str, Any] = {}
    if asked.get("CidrIpv4"):
        peers["CidrIpv4"] = parse_cidr(asked["CidrIpv4"])
    if asked.get("CidrIpv6"):
        peers["CidrIpv6"] = parse_cidr6(asked["CidrIpv6"])
    if asked.get("ReferencedGroupId"):
        other = owned(call, "security-group", asked["ReferencedGroupId"])
        peers["ReferencedGroupInfo"] = {"GroupId": other.id, "UserId": other.account}
    if not peers:
        raise AwsError("MissingParameter", f"The request must contain exactly one of: {PEER_MEMBERS}")
    if len(peers) > 1:
        raise AwsError("InvalidParameterCombination", f"Only one of {PEER_MEMBERS} can be specified")
    before = [name for name in PEERS if name in rule.document]
    if list(peers) != before:
        raise AwsError(
            "InvalidParameterCombination", f"The rule {rule.id} must be given a peer of the same kind: {before[0]}."
        )
    described = parse_description(asked.get("Description"))
    return {"IsEgress": rule.document["IsEgress"], **parse_ports(asked), **peers, **described}


def _write(call: Call, rule: Resource, document: Mapping[str, Any]) -> Resource:
    """Put a document in a rule's place; members that are None go."""
    removed = dict.fromkeys(rule.document)
    return call.catalog.save(rule.having(**{**removed, **document}))
