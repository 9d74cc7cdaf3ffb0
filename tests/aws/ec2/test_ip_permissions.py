"""Permissions become rules and rules permissions, and nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.aws.ec2.ip_permissions import key_of, parse_permissions, parse_protocol, show_permissions
from goldsmith.aws.errors import AwsError


def parse(*permissions, egress=False):
    return parse_permissions(permissions, egress=egress, find=lambda pair: {"GroupId": pair["GroupId"], "UserId": "1"})


def tcp(first, last, *cidrs):
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}


def test_each_peer_is_a_rule():
    pair = {"GroupId": "sg-0123456789abcdef0", "Description": "friends"}
    permission = {
        **tcp(22, 22, "0.0.0.0/0", "10.0.0.0/8"),
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "UserIdGroupPairs": [pair],
    }
    rules = parse(permission)
    assert [key_of(rule)[4] for rule in rules] == ["0.0.0.0/0", "10.0.0.0/8", "::/0", "sg-0123456789abcdef0"]
    assert rules[3]["Description"] == "friends"


def test_host_bits_are_cleared():
    assert parse(tcp(22, 22, "10.1.2.3/8"))[0]["CidrIpv4"] == "10.0.0.0/8"


def test_all_traffic_has_no_ports():
    [rule] = parse({"IpProtocol": "-1", "FromPort": 5, "ToPort": 6, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
    assert (rule["FromPort"], rule["ToPort"]) == (-1, -1)
    assert "FromPort" not in show_permissions([rule], egress=False)[0]


@pytest.mark.parametrize(
    ("said", "meant"), [("6", "tcp"), ("17", "udp"), ("TCP", "tcp"), ("1", "icmp"), ("all", "-1"), ("50", "50")]
)
def test_protocols_have_names_and_numbers(said, meant):
    assert parse_protocol(said) == meant


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        (tcp(22, 22), "MissingParameter"),
        (tcp(23, 22, "0.0.0.0/0"), "InvalidParameterValue"),
        (tcp(0, 65536, "0.0.0.0/0"), "InvalidParameterValue"),
        (tcp(None, 22, "0.0.0.0/0"), "InvalidParameterValue"),
        (tcp(22, 22, "10.0.0.0"), "InvalidParameterValue"),
        (tcp(22, 22, "here/8"), "InvalidParameterValue"),
        (tcp(22, 22, "0.0.0.0/0", "0.0.0.0/0"), "InvalidParameterValue"),
        ({**tcp(22, 22, "0.0.0.0/0"), "IpProtocol": "tpc"}, "InvalidParameterValue"),
        ({**tcp(22, 22, "0.0.0.0/0"), "IpProtocol": "256"}, "InvalidParameterValue"),
        ({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
        ({**tcp(300, 0, "0.0.0.0/0"), "IpProtocol": "icmp"}, "InvalidParameterValue"),
        ({**tcp(22, 22), "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "InvalidPrefixListID.NotFound"),
        ({**tcp(22, 22), "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "ä"}]}, "InvalidParameterValue"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(permission, code):
    with pytest.raises(AwsError) as refused:
        parse(permission)
    assert refused.value.code == code


ports = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
cidrs = st.ip_addresses(v=4).flatmap(lambda ip: st.integers(0, 32).map(lambda bits: f"{ip}/{bits}"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["tcp", "udp"]), ports, cidrs), min_size=1, max_size=20), st.booleans())
def test_shown_and_asked_again_the_rules_are_the_same(asked, egress):
    permissions = [
        {"IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": cidr}]}
        for protocol, (first, last), cidr in asked
    ]
    try:
        rules = parse(*permissions, egress=egress)
    except AwsError:
        return
    again = parse(*show_permissions(rules, egress=egress), egress=egress)
    assert {key_of(rule) for rule in again} == {key_of(rule) for rule in rules}
    assert show_permissions(rules, egress=not egress) == []
