from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.machines.instances.ingress import (
    MOST_FORWARDS,
    TCP_SERVICES,
    UDP_SERVICES,
    IngressRule,
    forwards_for,
    host_port,
)

if TYPE_CHECKING:
    from goldsmith.machines.instances.spec import Forward

ANYWHERE = "0.0.0.0/0"
SSH = IngressRule("tcp", 22, 22, ANYWHERE)

rules = st.builds(
    IngressRule,
    st.sampled_from(["tcp", "udp", "icmp", "-1"]),
    st.integers(-1, 65535),
    st.integers(-1, 65535),
    st.sampled_from([ANYWHERE, "127.0.0.0/8", "10.0.0.0/8", "", "nonsense", "::/0"]),
)


def opened(*given_rules: IngressRule, first_port: int = 1) -> set[tuple[str, int, int]]:
    ingress = forwards_for(given_rules, first_port=first_port)
    return {(one.protocol, one.host_port, one.guest_port) for one in ingress.forwards}


def test_a_port_is_its_own() -> None:
    assert opened(SSH, IngressRule("udp", 53, 54, ANYWHERE)) == {("tcp", 22, 22), ("udp", 53, 53), ("udp", 54, 54)}


@pytest.mark.parametrize(
    ("cidr", "open_"),
    [
        ("0.0.0.0/0", True),
        ("127.0.0.0/8", True),
        ("127.0.0.1/32", True),
        ("127.0.0.2/32", False),
        ("10.0.0.0/8", False),
        ("203.0.113.7/32", False),
        ("", False),
        ("::/0", False),
    ],
)
def test_only_rules_that_let_this_host_in_count(cidr: str, open_: bool) -> None:
    assert bool(opened(IngressRule("tcp", 22, 22, cidr))) is open_


def test_without_privileges_low_ports_are_shifted() -> None:
    assert opened(SSH, IngressRule("tcp", 80, 80, ANYWHERE), first_port=1024) == {("tcp", 2222, 22), ("tcp", 8080, 80)}
    assert host_port(443, 1024) == 8443
    assert host_port(5432, 1024) == 5432


def test_a_port_that_is_meant_keeps_its_place_before_a_shifted_one() -> None:
    both = IngressRule("tcp", 8080, 8080, ANYWHERE), IngressRule("tcp", 80, 80, ANYWHERE)
    assert opened(*both, first_port=1024) == {("tcp", 8080, 8080), ("tcp", 16080, 80)}


def test_a_narrow_range_is_opened_whole_and_a_wide_one_for_services() -> None:
    narrow, wide = IngressRule("tcp", 30000, 30099, ANYWHERE), IngressRule("tcp", 0, 65535, ANYWHERE)
    ingress = forwards_for([wide, narrow])
    assert ingress.reduced == (wide,)
    ports = {forward.guest_port for forward in ingress.forwards}
    assert set(range(30000, 30100)) <= ports
    assert len(ports) <= MOST_FORWARDS
    assert {22, 80, 443} <= ports


def test_all_traffic_opens_the_services_of_both_protocols() -> None:
    ingress = forwards_for([IngressRule("-1", -1, -1, ANYWHERE)])
    assert {one.guest_port for one in ingress.forwards if one.protocol == "tcp"} == set(TCP_SERVICES)
    assert {one.guest_port for one in ingress.forwards if one.protocol == "udp"} == set(UDP_SERVICES)


def test_the_services_are_in_order_and_fit() -> None:
    assert list(TCP_SERVICES) == sorted(set(TCP_SERVICES))
    assert list(UDP_SERVICES) == sorted(set(UDP_SERVICES))
    assert len(TCP_SERVICES) + len(UDP_SERVICES) < MOST_FORWARDS


@given(st.lists(rules, max_size=6), st.sampled_from([1, 1024]))
def test_whatever_the_rules_each_port_is_open_once_and_allowed(given_rules: list[IngressRule], first: int) -> None:
    ingress = forwards_for(given_rules, first_port=first)
    assert len(ingress.forwards) <= MOST_FORWARDS
    assert len({(one.protocol, one.host_port) for one in ingress.forwards}) == len(ingress.forwards)
    for one in ingress.forwards:
        assert first <= one.host_port <= 65535
        assert any(_allows(rule, one) for rule in given_rules)


def _allows(rule: IngressRule, forward: Forward) -> bool:
    if rule.cidr not in {ANYWHERE, "127.0.0.0/8"} or rule.protocol not in {"-1", forward.protocol}:
        return False
    return rule.protocol == "-1" or rule.from_port == -1 or rule.from_port <= forward.guest_port <= rule.to_port
