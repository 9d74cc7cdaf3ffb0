"""The volumes of a running instance: their bases served, their files in QEMU, coming and going."""

from __future__ import annotations

import logging
from threading import Condition, RLock, Thread
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.store import open_store
from goldsmith.machines.instances.block_nodes import HOT_PORTS, disk_device, volume_nodes
from goldsmith.machines.instances.command_line import hot_port
from goldsmith.machines.instances.exports import BlockCache, Export
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.machines.instances.block_nodes import Node
    from goldsmith.machines.instances.spec import AttachedVolume
    from goldsmith.machines.instances.volumes import Volumes
    from goldsmith.machines.qmp import Monitor

LOG = logging.getLogger(__name__)


class LiveVolumes:
    """The volumes that one running instance holds. ``exports`` are their bases, by the volumes' ids.

    Whoever changes what QEMU has of them holds ``turn``. ``changed`` is called when a volume has come or gone,
    ``leaving`` before one's nodes are removed.
    """

    def __init__(self, volumes: Volumes, instance_id: str, monitor: Monitor, changed: Callable[[], None]) -> None:
        self.volumes = volumes
        self.exports: dict[str, Export] = {}
        self.turn = RLock()
        self.leaving: Callable[[], None] = lambda: None
        self._instance_id = instance_id
        self._monitor = monitor
        self._changed = changed
        self._caches: dict[str, BlockCache] = {}
        self._attached: dict[str, AttachedVolume] = {}
        self._ports: dict[str, int] = {}
        self._left = Condition(self.turn)

    def claim(self, attached: AttachedVolume) -> list[Node]:
        """Take a volume for the instance and serve its base; return its nodes for QEMU."""
        port = None if attached.boot else self._free_port()
        volume = self.volumes.claim(attached.volume_id, self._instance_id)
        base = self.volumes.base(attached.volume_id)
        if base is not None:
            if volume.store_url not in self._caches:
                self._caches[volume.store_url] = BlockCache(open_store(volume.store_url))
            self.exports[attached.volume_id] = Export(volume.size, base, self._caches[volume.store_url])
        self._attached[attached.volume_id] = attached
        if port is not None:
            self._ports[attached.volume_id] = port
        return volume_nodes(volume, self.volumes.path(attached.volume_id))

    def attached(self) -> tuple[AttachedVolume, ...]:
        """Return the volumes that the instance has now."""
        return tuple(self._attached.values())

    def require(self, volume_id: str) -> AttachedVolume:
        """Return how a volume is attached; InstanceError when it is not."""
        try:
            return self._attached[volume_id]
        except KeyError:
            raise InstanceError(f"The volume {volume_id} is not attached to {self._instance_id}.") from None

    def bus(self, attached: AttachedVolume) -> str:
        """Return where an attached volume's disk is plugged in."""
        return "pcie.0" if attached.boot else hot_port(self._ports[attached.volume_id])

    def attach(self, attached: AttachedVolume) -> None:
        """Plug a volume into the running guest; where that fails nothing of it is left."""
        with self.turn:
            if attached.volume_id in self._attached:
                raise InstanceError(f"{attached.volume_id} is attached to {self._instance_id} already.")
            if attached.device in {other.device for other in self._attached.values()}:
                raise InstanceError(f"{self._instance_id} has a volume at {attached.device} already.")
            if attached.boot:
                raise InstanceError("The volume to boot from can be attached only to a stopped instance.")
            nodes = self.claim(attached)
            made: list[str] = []
            try:
                for node in nodes:
                    self._monitor.execute("blockdev-add", **node)
                    made.append(node["node-name"])
                self._monitor.execute("device_add", **disk_device(attached, made[-1], self.bus(attached)))
            except MachineError:
                for name in reversed(made):
                    self._monitor.execute("blockdev-del", **{"node-name": name})
                self._drop(attached.volume_id)
                raise
        self._changed()

    def detach(self, volume_id: str, patience: float) -> bool:
        """Ask the guest to let a volume go; whether it did within ``patience`` seconds.

        A guest that is not up yet, or writes to the volume still, may do it later: the volume is given back then.
        """
        with self.turn:
            if self.require(volume_id).boot:
                raise InstanceError(
                    f"{volume_id} is what {self._instance_id} runs from.", mend="Stop the instance to detach it."
                )
            try:
                self._monitor.execute("device_del", id=volume_id)
            except MachineError as refused:
                LOG.info("Asked again to let %s go: %s", volume_id, refused)
            return self._left.wait_for(lambda: volume_id not in self._attached, patience)

    def hear(self, event: dict[str, Any]) -> None:
        """Note from QEMU's events that the guest has let a volume go."""
        volume_id = event.get("data", {}).get("device", "")
        if event["event"] == "DEVICE_DELETED" and volume_id in self._attached:
            Thread(target=self._give_back, args=(volume_id,), daemon=True, name=f"detach {volume_id}").start()

    def _give_back(self, volume_id: str) -> None:
        with self.turn:
            self.leaving()
            volume = self.volumes.get(volume_id)
            for node in reversed(volume_nodes(volume, self.volumes.path(volume_id))):
                self._monitor.execute("blockdev-del", **{"node-name": node["node-name"]})
            self._drop(volume_id)
            self._left.notify_all()
        self._changed()

    def _drop(self, volume_id: str) -> None:
        del self._attached[volume_id]
        self.exports.pop(volume_id, None)
        self._ports.pop(volume_id, None)
        self.volumes.release(volume_id, self._instance_id)

    def _free_port(self) -> int:
        free = sorted(set(range(HOT_PORTS)) - set(self._ports.values()))
        if not free:
            raise InstanceError(
                f"{self._instance_id} has {HOT_PORTS} volumes beside the one it runs from, and no room for more.",
                mend="Detach one.",
            )
        return free[0]
