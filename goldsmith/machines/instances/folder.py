"""What lies in an instance's folder, and what it is called."""

from __future__ import annotations

from goldsmith.machines.instances.block_nodes import BASE_SOCKET
from goldsmith.machines.instances.command_line import METADATA_SOCKET
from goldsmith.machines.instances.orders import SOCKET

LOCK = "lock"
"""Held locked by an instance's keeper and its QEMU for as long as either lives."""

SPEC, METADATA, CONSOLE = "instance.json", "metadata.json", "console.log"

WORDS, KEEPER_LOG = "qemu.log", "keeper.log"
"""What QEMU and the keeper said in the last run."""

SOCKETS = (BASE_SOCKET, METADATA_SOCKET, SOCKET)
"""What a killed keeper leaves."""
