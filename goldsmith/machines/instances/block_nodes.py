"""A volume as QEMU sees it: a node for its base, one for each file above, and the disk in the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.machines.instances.spec import AttachedVolume
    from goldsmith.machines.instances.volume import Volume

BASE_SOCKET = "nbd"
"""The socket on which the keeper serves bases, in the instance's folder, which is QEMU's working directory."""

HOT_PORTS = 16
"""Slots for volumes other than the boot volume: those that can come and go while the instance runs."""

Node = dict[str, Any]


def file_node_name(volume_id: str, file: str) -> str:
    """Return the node of a volume's file: "vol-….0" for disk.qcow2, "vol-….7" for disk.7.qcow2."""
    number = file.removeprefix("disk").removesuffix("qcow2").strip(".")
    return f"{volume_id}.{number or 0}"


def base_node(volume_id: str) -> Node:
    """Return the node that fetches a volume's base from the keeper."""
    server = {"type": "unix", "path": BASE_SOCKET}
    return {
        "driver": "nbd",
        "node-name": f"{volume_id}.base",
        "server": server,
        "export": volume_id,
        "read-only": True,
    }


def file_node(volume_id: str, file: Path, below: str | None) -> Node:
    """Return the node of one of a volume's files over the node ``below``.

    Writes go through the host's page cache and are flushed when the guest flushes: what it calls durable is.
    """
    return {
        "driver": "qcow2",
        "node-name": file_node_name(volume_id, file.name),
        "file": {"driver": "file", "filename": str(file), "discard": "unmap"},
        "discard": "unmap",
        "backing": below,
    }


def volume_nodes(volume: Volume, folder: Path) -> list[Node]:
    """Return all of a volume's nodes in the order in which they are to be made; the last one is the disk."""
    nodes = [base_node(volume.volume_id)] if volume.based else []
    for file in volume.files:
        below = nodes[-1]["node-name"] if nodes else None
        nodes.append(file_node(volume.volume_id, folder / file, below))
    return nodes


def disk_device(attached: AttachedVolume, top: str, bus: str) -> Node:
    """Return the guest's disk over the node ``top``; its id in QEMU is the volume's."""
    device = {
        "driver": "virtio-blk-pci",
        "id": attached.volume_id,
        "drive": top,
        "serial": attached.serial,
        "bus": bus,
    }
    return {**device, "bootindex": 0} if attached.boot else device
