"""Ports of an instance's own loopback address, opened and closed while it runs; and whether its guest answers."""

from __future__ import annotations

import os
import random
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.machines.instances.spec import Forward, InstanceSpec
    from goldsmith.machines.qmp import Monitor

PROBED_PORT = 22
"""A guest's kernel answers on any port; this one is the likeliest to be let through by its own firewall."""

PROBE_LIMIT = 3.0
"""Seconds in which a kernel that is up answers, even emulated; QEMU itself gives up on a silent guest much later."""

PROBE_MEMORY = 30.0
"""Seconds for which an answer counts, so that many who ask do not fill the guest's logs."""


def first_port() -> int:
    """Return the first port that this user may listen on: 1 for root, what the host's kernel says for others."""
    if os.geteuid() == 0:
        return 1
    return max(1, int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()))


class HostPorts:
    """The forwards of one running instance, by QEMU's hostfwd."""

    def __init__(self, monitor: Monitor, spec: InstanceSpec) -> None:
        self._monitor = monitor
        self._address = spec.address
        self._guest = spec.private_ip
        self._open: set[Forward] = set()
        self._answered = 0.0

    def change(self, forwards: Iterable[Forward]) -> dict[str, str]:
        """Open these ports and close all others; return why some ("tcp:80") could not be opened."""
        wanted = set(forwards)
        for forward in self._open - wanted:
            self._command(f"hostfwd_remove net {forward.protocol}:{self._address}:{forward.host_port}")
        self._open &= wanted
        faults = {}
        for forward in sorted(wanted - self._open, key=lambda one: (one.protocol, one.host_port)):
            refused = self._add(forward.protocol, self._address, forward.host_port, forward.guest_port)
            if refused:
                faults[f"{forward.protocol}:{forward.host_port}"] = refused
            else:
                self._open.add(forward)
        return faults

    def guest_answers(self) -> bool:
        """Whether the guest's kernel answers on the network: it accepts a connection, or refuses it at once.

        It is asked over a port of another address that is there for that moment only.
        """
        if time.monotonic() - self._answered < PROBE_MEMORY and self._answered:
            return True
        draw = random.SystemRandom()
        address = f"127.{draw.randrange(128, 192)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"
        port = draw.randrange(20000, 60000)
        if self._add("tcp", address, port, PROBED_PORT):
            return False
        try:
            heard = _something_comes(address, port)
        finally:
            self._command(f"hostfwd_remove net tcp:{address}:{port}")
        if heard:
            self._answered = time.monotonic()
        return heard

    def forget(self) -> None:
        """Let no earlier answer count: the guest starts over."""
        self._answered = 0.0

    def _add(self, protocol: str, address: str, port: int, guest_port: int) -> str:
        """Open one port; return QEMU's words when it did not."""
        return self._command(f"hostfwd_add net {protocol}:{address}:{port}-{self._guest}:{guest_port}")

    def _command(self, line: str) -> str:
        said = self._monitor.execute("human-monitor-command", **{"command-line": line})
        return "" if "removed" in said else str(said).strip()


def _something_comes(address: str, port: int) -> bool:
    """Whether data, or the connection's end, comes before the limit: with a silent guest QEMU keeps it open."""
    with socket.socket() as probe:
        probe.settimeout(PROBE_LIMIT)
        try:
            probe.connect((address, port))
            probe.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
    return True
