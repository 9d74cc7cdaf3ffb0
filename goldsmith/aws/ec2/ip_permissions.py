"""Permissions of security groups: requests' IpPermissions become rules, one for each peer, and rules become them."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Rule = dict[str, Any]
    Pair = Mapping[str, Any]
    FindGroup = Callable[[Pair], dict[str, str]]

ALL = "-1"
NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": ALL, "icmp6": "icmpv6"}
LAST_PORT = 65535
LAST_PROTOCOL = 255
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")

PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo")
"""The members of a rule of which it has one: who is on the other side."""


def parse_permissions(permissions: Iterable[Mapping[str, Any]], *, egress: bool, find: FindGroup) -> list[Rule]:
    """Return the rules of a request's IpPermissions as DescribeSecurityGroupRules has them, without ids.

    ``find`` gives the group that a UserIdGroupPair means, as {"GroupId": …, "UserId": …}. Raises AwsError for what
    cannot be a rule.
    """
    rules = [
        {"IsEgress": egress, **ports, **peer}
        for permission in permissions
        for ports in [parse_ports(permission)]
        for peer in _peers(permission, find)
    ]
    if not rules:
        raise AwsError("MissingParameter", "The request must contain the parameter ipPermissions with a peer of a rule")
    if len({key_of(rule) for rule in rules}) < len(rules):
        raise AwsError("InvalidParameterValue", "The same permission must not appear multiple times")
    return rules


def parse_ports(permission: Mapping[str, Any]) -> Rule:
    """Return protocol and ports; for ICMP the ports are type and code. Raises AwsError for what cannot be."""
    protocol = parse_protocol(str(permission.get("IpProtocol") or ""))
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in {"tcp", "udp"}:
        if first is None or last is None:
            raise AwsError(
                "InvalidParameterValue",
                "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
            )
        if not 0 <= first <= last <= LAST_PORT:
            raise _wrong_ports(f"Invalid TCP/UDP port range ({first}:{last})")
    elif protocol == ALL:
        first = last = -1
    elif protocol in {"icmp", "icmpv6"} and not all(_is_byte(number) for number in (first, last)):
        raise _wrong_ports(f"Invalid ICMP type or code ({first}:{last})")
    return {
        "IpProtocol": protocol,
        "FromPort": -1 if first is None else first,
        "ToPort": -1 if last is None else last,
    }


def parse_protocol(text: str) -> str:
    """Return a protocol as EC2 shows it: tcp, udp, icmp, icmpv6, -1 for all, or another's number."""
    name = text.lower()
    if not name:
        raise AwsError(
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
        )
    name = NUMBERS.get(name, name)
    if name in NUMBERS.values() or (re.fullmatch(r"[0-9]{1,3}", name) and int(name) <= LAST_PROTOCOL):
        return name
    raise AwsError("InvalidParameterValue", f"Invalid value '{text[:40]}' for IP protocol. Unknown protocol.")


def parse_cidr(text: str) -> str:
    """Return an IPv4 range with its host bits cleared. Raises AwsError for none."""
    try:
        return str(IPv4Network(text if "/" in text else "", strict=False))
    except ValueError as wrong:
        raise AwsError("InvalidParameterValue", f"CIDR block {text[:64]} is malformed") from wrong


def parse_cidr6(text: str) -> str:
    """Return an IPv6 range with its host bits cleared. Raises AwsError for none."""
    try:
        return str(IPv6Network(text if "/" in text else "", strict=False))
    except ValueError as wrong:
        raise AwsError("InvalidParameterValue", f"CIDR block {text[:64]} is malformed") from wrong


def parse_description(text: str | None) -> Rule:
    """Return {"Description": …} of a rule, {} without one. Raises AwsError for characters that AWS does not take."""
    if text and not DESCRIPTION.fullmatch(text):
        raise AwsError(
            "InvalidParameterValue",
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
            "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )
    return {"Description": text} if text else {}


def key_of(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a rule the same as another: all of it but its description."""
    peer = next((rule[name] for name in PEERS if name in rule), None)
    if isinstance(peer, dict):
        peer = peer["GroupId"]
    return bool(rule["IsEgress"]), rule["IpProtocol"], rule["FromPort"], rule["ToPort"], peer


def describe_rule(rule: Mapping[str, Any]) -> str:
    """Return a rule in the words of the refusals about it."""
    *_, peer = key_of(rule)
    protocol = "ALL" if rule["IpProtocol"] == ALL else str(rule["IpProtocol"]).upper()
    ports = "" if rule["IpProtocol"] == ALL else f", from port: {rule['FromPort']}, to port: {rule['ToPort']}"
    return f"peer: {peer}, {protocol}{ports}, ALLOW"


def show_permissions(rules: Iterable[Mapping[str, Any]], *, egress: bool) -> list[dict[str, Any]]:
    """Return the rules of one direction as IpPermissions: those of the same protocol and ports are one."""
    shown: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rule in rules:
        if bool(rule["IsEgress"]) is not egress:
            continue
        key = rule["IpProtocol"], rule["FromPort"], rule["ToPort"]
        ports = {} if rule["IpProtocol"] == ALL else {"FromPort": key[1], "ToPort": key[2]}
        empty: dict[str, Any] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
        permission = shown.setdefault(key, {"IpProtocol": key[0], **ports, **empty})
        said = {"Description": rule["Description"]} if rule.get("Description") else {}
        if "CidrIpv4" in rule:
            permission["IpRanges"].append({"CidrIp": rule["CidrIpv4"], **said})
        elif "CidrIpv6" in rule:
            permission["Ipv6Ranges"].append({"CidrIpv6": rule["CidrIpv6"], **said})
        elif "PrefixListId" in rule:
            permission["PrefixListIds"].append({"PrefixListId": rule["PrefixListId"], **said})
        else:
            permission["UserIdGroupPairs"].append({**rule["ReferencedGroupInfo"], **said})
    return list(shown.values())


def _peers(permission: Mapping[str, Any], find: FindGroup) -> Iterator[Rule]:
    for found in permission.get("IpRanges") or ():
        yield {"CidrIpv4": parse_cidr(found.get("CidrIp") or ""), **parse_description(found.get("Description"))}
    for found in permission.get("Ipv6Ranges") or ():
        yield {"CidrIpv6": parse_cidr6(found.get("CidrIpv6") or ""), **parse_description(found.get("Description"))}
    for found in permission.get("PrefixListIds") or ():
        raise AwsError(
            "InvalidPrefixListID.NotFound", f"The prefix list ID '{found.get('PrefixListId')}' does not exist"
        )
    for pair in permission.get("UserIdGroupPairs") or ():
        yield {"ReferencedGroupInfo": find(pair), **parse_description(pair.get("Description"))}


def _is_byte(number: int | None) -> bool:
    """Tell whether a number is an ICMP type or code, or -1 or nothing for all."""
    return number is None or -1 <= number <= 255  # noqa: PLR2004 - what a byte holds


def _wrong_ports(said: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"Invalid value '{said}' for portRange.")
