"""What CreateSnapshot does after its answer: one moment of the volumes, then what changed is stored.

Once the moment is kept the snapshots' records hold it, so that another server can store it after this one was killed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.snapshot_records import completed, record_failure, report_progress
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.capture import Capture, freeze, release, store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.catalog.resources import Resource

PACE = 256
"""Blocks between two looks at how far a capture is."""

log = logging.getLogger(__name__)


def capture_volumes(cloud: Cloud, snapshots: Mapping[str, Resource]) -> None:
    """Store volumes, all of one moment, as the pending snapshots that were promised, by volume id."""
    name = min(snapshot.id for snapshot in snapshots.values())
    try:
        capture = freeze(cloud.instances, name, tuple(snapshots))
        _note(cloud, snapshots, capture)
    except (GoldsmithError, OSError) as failure:
        _fail(cloud, snapshots, failure)
        return
    store_capture(cloud, capture, snapshots)


def store_capture(cloud: Cloud, capture: Capture, snapshots: Mapping[str, Resource]) -> None:
    """Store what a capture holds as pending snapshots, and let it go."""
    region = next(iter(snapshots.values())).region

    def look(done: int, of: int) -> None:
        if done % PACE == 0:
            for snapshot in snapshots.values():
                report_progress(cloud, snapshot, 100 * done // max(1, of))

    try:
        with cloud.blocks(region).writing() as writing:
            stored = store(cloud.instances, capture, writing, look)
            for volume, snapshot in snapshots.items():
                _complete(cloud, snapshot, writing.save(stored[volume].block_map), stored[volume].block_map)
    except (GoldsmithError, OSError) as failure:
        _fail(cloud, snapshots, failure)
    release(cloud.instances, capture)


def _note(cloud: Cloud, snapshots: Mapping[str, Resource], capture: Capture) -> None:
    """Write a capture into its snapshots' records."""
    first = next(iter(snapshots.values()))
    with cloud.catalog(first.account, first.region) as catalog:
        for snapshot in snapshots.values():
            if (there := catalog.own("snapshot", snapshot.id)) is not None:
                catalog.save(there.knowing(frozen=capture.as_json()))


def _complete(cloud: Cloud, snapshot: Resource, name: str, block_map: BlockMap) -> None:
    with cloud.catalog(snapshot.account, snapshot.region) as catalog:
        there = catalog.own("snapshot", snapshot.id)
        if there is not None and there.state == "pending":
            catalog.save(completed(there, name, block_map, cloud.clock()))


def _fail(cloud: Cloud, snapshots: Mapping[str, Resource], failure: Exception) -> None:
    log.warning("Snapshots of %s failed: %s", ", ".join(snapshots), failure)
    for snapshot in snapshots.values():
        record_failure(cloud, snapshot, str(failure))
