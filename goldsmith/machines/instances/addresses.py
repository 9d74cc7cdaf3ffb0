"""Loopback addresses for instances: each has one of its own for its life."""

from __future__ import annotations

import random
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

FIRST = IPv4Address("127.64.0.0")
COUNT = 1 << 22
"""Addresses of 127.64.0.0/10."""


def draw_address(taken: Container[str]) -> str:
    """Return an address that no instance has; other users' instances hardly ever draw the same of four million."""
    while True:
        address = str(FIRST + random.SystemRandom().randrange(1, COUNT - 1))
        if address not in taken:
            return address
