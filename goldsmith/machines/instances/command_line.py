"""QEMU's command line for an instance: argv from its spec and its volumes' nodes, with nothing touched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.machines.instances.block_nodes import HOT_PORTS, disk_device
from goldsmith.machines.qemu import PROGRAM, acceleration_argv, firmware_argv, identity_argv, network_argv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.instances.block_nodes import Node
    from goldsmith.machines.instances.spec import InstanceSpec

METADATA_SOCKET = "metadata"
VARIABLES = "variables.fd"
AGENT_PORT = "agent"


@dataclass(frozen=True)
class Wires:
    """Numbers of inherited, connected sockets: QMP, the serial console, the guest agent's channel."""

    monitor: int
    console: int
    agent: int


def instance_argv(
    spec: InstanceSpec, nodes: Mapping[str, Sequence[Node]], wires: Wires, acceleration: Acceleration
) -> list[str]:
    """Return the argv that runs an instance in its folder. ``nodes`` are each volume's, the last one its disk."""
    return [
        PROGRAM,
        *("-name", f"goldsmith-{spec.instance_id}"),
        *("-nodefaults", "-no-user-config"),
        *("-sandbox", "on,obsolete=deny,resourcecontrol=deny"),
        *acceleration_argv(acceleration),
        *("-m", str(spec.memory), "-smp", str(spec.vcpus)),
        *("-display", "none", "-device", "VGA"),
        *firmware_argv(spec.firmware, Path(VARIABLES)),
        *identity_argv(spec.instance_type, spec.instance_id, spec.uuid),
        *_hot_ports(),
        *_disks(spec, nodes),
        *network_argv(spec.private_ip, spec.mac, Path(METADATA_SOCKET), outbound=spec.outbound),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"socket,id=console,fd={wires.console}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=agent,fd={wires.agent}", "-device", "virtio-serial-pci"),
        *("-device", f"virtserialport,chardev=agent,id={AGENT_PORT},name=org.qemu.guest_agent.0"),
        *("-chardev", f"socket,id=monitor,fd={wires.monitor}", "-mon", "chardev=monitor,mode=control"),
    ]


def hot_port(number: int) -> str:
    """Return the name of a slot for a volume."""
    return f"hot{number}"


def _hot_ports() -> list[str]:
    """Return the slots, eight functions to a device so that they take no room of others."""
    options = (
        f"pcie-root-port,id={hot_port(n)},chassis={n + 1},addr={0x10 + n // 8:#x}.{n % 8},multifunction=on"
        for n in range(HOT_PORTS)
    )
    return [part for option in options for part in ("-device", option)]


def _disks(spec: InstanceSpec, nodes: Mapping[str, Sequence[Node]]) -> list[str]:
    argv: list[str] = []
    free = iter(range(HOT_PORTS))
    for attached in spec.volumes:
        chain = nodes[attached.volume_id]
        for node in chain:
            argv += ["-blockdev", json.dumps(node)]
        bus = "pcie.0" if attached.boot else hot_port(next(free))
        argv += ["-device", json.dumps(disk_device(attached, chain[-1]["node-name"], bus))]
    return argv
