"""Security groups' rules become ports of an instance's loopback address: pure planning."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from typing import TYPE_CHECKING, Literal

from goldsmith.machines.instances.spec import Forward

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.machines.instances.spec import Protocol

CONNECTING = "127.0.0.1"
"""Where connections to an instance's loopback address come from."""

MOST_FORWARDS = 256
"""Ports of one instance. QEMU stood 1200 in a trial; each costs a descriptor and a millisecond at the start."""

LAST_PORT = 65535

TCP_SERVICES = (
    *(20, 21, 22, 23, 25, 53, 80, 88, 110, 111, 119, 135, 139, 143, 179, 389, 443, 445, 465, 514, 515, 587, 631, 636),
    *(873, 902, 989, 990, 993, 995, 1080, 1194, 1433, 1521, 1723, 1883, 2049, 2181, 2222, 2375, 2376, 2377, 2379, 2380),
    *(3000, 3001, 3128, 3260, 3268, 3269, 3306, 3389, 4000, 4200, 4369, 4443, 5000, 5001, 5044, 5060, 5061, 5173, 5222),
    *(5269, 5432, 5601, 5666, 5671, 5672, 5900, 5901, 5984, 5985, 5986, 6000, 6379, 6380, 6443, 6667, 7000, 7001, 7077),
    *(7199, 7474, 7687, 8000, 8001, 8008, 8009, 8025, 8080, 8081, 8082, 8083, 8086, 8088, 8089, 8090, 8091, 8125, 8161),
    *(8200, 8300, 8301, 8443, 8444, 8500, 8501, 8600, 8761, 8834, 8883, 8888, 8983, 9000, 9001, 9042, 9080, 9090, 9091),
    *(9092, 9093, 9094, 9100, 9115, 9160, 9200, 9300, 9389, 9411, 9418, 9443, 9990, 9999, 10000, 10050, 10051, 10250),
    *(10255, 11211, 11434, 15672, 16686, 19999, 25565, 26257, 27017, 27018, 27019, 28015, 29092, 32400, 50000, 50051),
)
"""The ports that are opened of a range too wide to be opened whole, as that of "all traffic"."""

UDP_SERVICES = (
    53,
    69,
    123,
    137,
    161,
    162,
    500,
    514,
    1194,
    1812,
    1813,
    1900,
    3478,
    4500,
    5060,
    5353,
    8125,
    27015,
    51820,
)

SSH, SHIFTED_SSH, SHIFT = 22, 2222, 8000


@dataclass(frozen=True)
class IngressRule:
    """What a security group lets in: ``protocol`` as EC2 says it ("-1" for all), ports, and from where.

    ``cidr`` is empty for a rule whose source is a group or a prefix list.
    """

    protocol: Literal["tcp", "udp", "icmp", "-1"]
    from_port: int
    to_port: int
    cidr: str


@dataclass(frozen=True)
class Ingress:
    """The ports to open; ``reduced`` are the rules of whose range only well-known services' ports are among them."""

    forwards: tuple[Forward, ...]
    reduced: tuple[IngressRule, ...]


def forwards_for(rules: Iterable[IngressRule], *, first_port: int = 1, connecting: str = CONNECTING) -> Ingress:
    """Return which ports of an instance's loopback address lead to which of its guest.

    Only rules that let ``connecting`` in count: this host itself is the only place that reaches a loopback address.
    ``first_port`` is the first one that this user may listen on (1 for root); `host_port` says where lower ones go.
    Ranges are opened whole, the narrowest first, as long as there are `MOST_FORWARDS` at most; of wider ones,
    the ports of `TCP_SERVICES` and `UDP_SERVICES`.
    """
    wanted: set[tuple[Protocol, int]] = set()
    reduced: list[IngressRule] = []
    ranges = [
        (rule, protocol, ports) for rule in rules if _lets_in(rule, connecting) for protocol, ports in _ports(rule)
    ]
    for rule, protocol, ports in sorted(ranges, key=lambda found: len(found[2])):
        whole = wanted | {(protocol, port) for port in ports} if len(ports) <= MOST_FORWARDS else None
        if whole is not None and len(whole) <= MOST_FORWARDS:
            wanted = whole
            continue
        reduced += [] if rule in reduced else [rule]
        services = TCP_SERVICES if protocol == "tcp" else UDP_SERVICES
        for port in services:
            if port in ports and len(wanted) < MOST_FORWARDS:
                wanted.add((protocol, port))
    return Ingress(_placed(wanted, first_port), tuple(reduced))


def host_port(guest_port: int, first_port: int) -> int:
    """Return the port of an instance's address for one of the guest's: the same where this user may listen on it.

    Else 2222 for SSH's, and 8000 more for others: 8080 for 80, 8443 for 443.
    """
    if guest_port >= first_port:
        return guest_port
    return SHIFTED_SSH if guest_port == SSH else guest_port + SHIFT


def _placed(wanted: set[tuple[Protocol, int]], first_port: int) -> tuple[Forward, ...]:
    """Give each guest port a host port: its own first, then shifted ones in places that are still free."""
    taken: set[tuple[Protocol, int]] = set()
    placed: list[Forward] = []
    for protocol, port in sorted(wanted, key=lambda want: (want[1] < first_port, want)):
        place = host_port(port, first_port)
        while (protocol, place) in taken:
            place += SHIFT
        taken.add((protocol, place))
        placed.append(Forward(protocol, place, port))
    return tuple(sorted(placed, key=lambda forward: (forward.protocol, forward.guest_port)))


def _ports(rule: IngressRule) -> list[tuple[Protocol, range]]:
    """Return the ranges that a rule opens; ICMP opens none."""
    everything = range(1, LAST_PORT + 1)
    if rule.protocol == "-1":
        return [("tcp", everything), ("udp", everything)]
    if rule.protocol not in {"tcp", "udp"}:
        return []
    whole = rule.from_port == -1
    ports = everything if whole else range(max(1, rule.from_port), min(LAST_PORT, rule.to_port) + 1)
    return [("tcp" if rule.protocol == "tcp" else "udp", ports)] if ports else []


def _lets_in(rule: IngressRule, connecting: str) -> bool:
    try:
        network = ip_network(rule.cidr, strict=False)
    except ValueError:
        return False
    return IPv4Address(connecting) in network
