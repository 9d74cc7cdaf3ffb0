"""A running instance's volumes at one moment: a new file on top of each, and the files merged when nobody reads them.

While a merge runs everything that the lower file lacks is in the files above, which stay in the record: killed at any
moment, the volume is the same. The record drops them while the processors stand still, between QEMU's turn to
the merged file and the guest's next write.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from threading import Condition, Thread
from typing import TYPE_CHECKING

from goldsmith.machines.instances.block_nodes import file_node, file_node_name
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.instances.volumes import make_file
from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.machines.instances.events import Events
    from goldsmith.machines.instances.guest_agent import GuestAgent
    from goldsmith.machines.instances.live_volumes import LiveVolumes
    from goldsmith.machines.instances.processors import Processors
    from goldsmith.machines.instances.volume import Volume
    from goldsmith.machines.qmp import Monitor

LOG = logging.getLogger(__name__)

MERGE_LIMIT = 24 * 3600.0
"""Seconds after which a merge that did not come to its end is given up; the next one goes on from there."""

TURN_LIMIT = 60.0
"""Seconds that the processors may stand still until QEMU has turned to the merged file."""

OVER = ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")


class Freezing:
    """Freezes volumes of one running instance for captures, and merges their files again."""

    def __init__(
        self, live: LiveVolumes, monitor: Monitor, processors: Processors, agent: GuestAgent, events: Events
    ) -> None:
        self._live = live
        self._monitor = monitor
        self._processors = processors
        self._agent = agent
        self._events = events
        self._wake = Condition()
        self._asked = True
        self._merging = ""
        live.leaving = self.give_up_merge
        Thread(target=self._merge_when_asked, daemon=True, name="merge").start()

    def freeze(self, capture: str, volume_ids: Sequence[str]) -> tuple[str, dict[str, list[str]]]:
        """Keep what the volumes hold at this moment, the same for all, for a capture.

        Returns the way that was taken ("frozen by the guest" or "paused"), and each volume's files to read.
        """
        with self._live.turn:
            self.give_up_merge()
            found = [self._require_new(capture, volume_id) for volume_id in volume_ids]
            made: list[tuple[Volume, Volume]] = []
            try:
                for volume in found:
                    made.append((volume, self._prepare(volume, capture)))  # noqa: PERF401 - undone as far as it came
                way = self._switch([grown for _, grown in made])
            except BaseException:
                self._undo(made)
                raise
        return way, {volume.volume_id: list(volume.files) for volume in found}

    def release(self, capture: str, volume_ids: Sequence[str]) -> None:
        """Keep nothing for a capture any more, and merge what nobody reads."""
        with self._live.turn:
            for volume_id in volume_ids:
                with self._live.volumes.locked(volume_id):
                    self._live.volumes.save(self._live.volumes.get(volume_id).released(capture))
        self.merge()

    def merge(self) -> None:
        """Have the volumes' files merged, in the background."""
        with self._wake:
            self._asked = True
            self._wake.notify()

    def _require_new(self, capture: str, volume_id: str) -> Volume:
        self._live.require(volume_id)
        volume = self._live.volumes.get(volume_id)
        if capture in volume.holds:
            raise InstanceError(f"{volume_id} is frozen for {capture} already.")
        return volume

    def _prepare(self, volume: Volume, capture: str) -> Volume:
        """Make a volume's new file, known to QEMU and to the record, before anything is written to it."""
        grown = replace(volume.grown().held(capture, len(volume.files)), fresh=False)
        file = self._live.volumes.path(volume.volume_id) / grown.files[-1]
        make_file(file, volume)
        try:
            self._monitor.execute("blockdev-add", **file_node(volume.volume_id, file, None))
        except MachineError:
            file.unlink()
            raise
        self._save(grown)
        return grown

    def _switch(self, volumes: Sequence[Volume]) -> str:
        """Have the guest write to the new files from one moment on; return how it was kept still for it."""
        actions = [
            {
                "type": "blockdev-snapshot",
                "data": {
                    "node": file_node_name(volume.volume_id, volume.files[-2]),
                    "overlay": file_node_name(volume.volume_id, volume.files[-1]),
                },
            }
            for volume in volumes
        ]
        try:
            if self._agent.freeze():
                self._monitor.execute("transaction", actions=actions)
                return "frozen by the guest"
        finally:
            self._agent.thaw()
        with self._processors.held():
            self._monitor.execute("transaction", actions=actions)
        return "paused"

    def _undo(self, made: Sequence[tuple[Volume, Volume]]) -> None:
        """Forget new files, which QEMU does not use after a transaction that failed."""
        for volume, grown in made:
            name = file_node_name(volume.volume_id, grown.files[-1])
            try:
                self._monitor.execute("blockdev-del", **{"node-name": name})
            except MachineError as used:
                LOG.warning("%s stays, as QEMU uses it: %s", name, used)
                continue
            self._save(replace(volume, made=grown.made))
            (self._live.volumes.path(volume.volume_id) / grown.files[-1]).unlink(missing_ok=True)

    def _save(self, volume: Volume) -> None:
        with self._live.volumes.locked(volume.volume_id):
            self._live.volumes.save(volume)

    def _merge_when_asked(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._asked)
                self._asked = False
            for attached in self._live.attached():
                try:
                    self._merge_volume(attached.volume_id)
                except MachineError as failed:
                    LOG.warning("%s was not merged: %s", attached.volume_id, failed)

    def _merge_volume(self, volume_id: str) -> None:
        """Write what a volume's upper files hold into its lowest one, and use that alone."""
        job = f"merge-{volume_id}"
        with self._events.expecting("BLOCK_JOB_READY", *OVER, device=job) as told:
            with self._live.turn:
                volume = self._mergeable(volume_id)
                if volume is None:
                    return
                nodes = [file_node_name(volume_id, file) for file in volume.files]
                arguments = {"job-id": job, "device": nodes[-1], "base-node": nodes[0]}
                self._monitor.execute("block-commit", **arguments)
                self._merging = job
            event = told.wait(MERGE_LIMIT)
        with self._live.turn:
            if self._merging != job:
                return
            self._merging = ""
            if event is None or event["event"] != "BLOCK_JOB_READY":
                raise InstanceError(f"QEMU did not merge the files: {event}.")
            self._turn_to_merged(volume, nodes, job)

    def _turn_to_merged(self, volume: Volume, nodes: Sequence[str], job: str) -> None:
        with self._processors.held(), self._events.expecting(*OVER, device=job) as over:
            self._monitor.execute("block-job-complete", device=job)
            over.wait(TURN_LIMIT)
            if self._top(volume.volume_id) != nodes[0]:
                raise InstanceError("QEMU did not turn to the merged file.")
            self._save(volume.merged())
        for name, file in zip(reversed(nodes[1:]), reversed(volume.files[1:]), strict=True):
            self._monitor.execute("blockdev-del", **{"node-name": name})
            (self._live.volumes.path(volume.volume_id) / file).unlink()

    def _top(self, volume_id: str) -> str:
        """Return the node that a volume's disk reads and writes now."""
        disks = self._monitor.execute("query-block")
        mine = (disk for disk in disks if f"/{volume_id}/" in disk.get("qdev", ""))
        return next((disk["inserted"]["node-name"] for disk in mine), "")

    def _mergeable(self, volume_id: str) -> Volume | None:
        """Return a volume with files to merge that no capture reads."""
        if volume_id not in {attached.volume_id for attached in self._live.attached()}:
            return None
        volume = self._live.volumes.get(volume_id)
        return volume if len(volume.files) > 1 and not volume.holds else None

    def give_up_merge(self) -> None:
        """End a merge that runs: what it wrote is covered by the files above, and it starts again later."""
        with self._live.turn:
            if not self._merging:
                return
            job, self._merging = self._merging, ""
            with self._events.expecting(*OVER, device=job) as over:
                try:
                    self._monitor.execute("block-job-cancel", device=job, force=True)
                    over.wait(TURN_LIMIT)
                except MachineError as gone:
                    LOG.info("There was nothing to give up: %s", gone)
        self.merge()
