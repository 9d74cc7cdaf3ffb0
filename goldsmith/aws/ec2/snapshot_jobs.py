"""What CreateSnapshot does after its answer: one moment of the volumes, then what changed is stored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.snapshot_records import completed, record_failure
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

log = logging.getLogger(__name__)


def capture_volumes(cloud: Cloud, snapshots: Mapping[str, Resource]) -> None:
    """Store volumes, all of one moment, as the pending snapshots that were promised, by volume id."""
    region = next(iter(snapshots.values())).region
    try:
        frozen = cloud.instances.freeze(tuple(snapshots))
        with cloud.blocks(region).writing() as writing:
            stored = cloud.instances.store(frozen, writing)
            for volume, snapshot in snapshots.items():
                name = writing.save(stored[volume])
                with cloud.catalog(snapshot.account, region) as catalog:
                    there = catalog.own("snapshot", snapshot.id)
                    if there is not None and there.state == "pending":
                        catalog.save(completed(there, name, stored[volume], cloud.clock()))
    except (GoldsmithError, OSError) as failure:
        log.warning("Snapshots of %s failed: %s", ", ".join(snapshots), failure)
        for snapshot in snapshots.values():
            record_failure(cloud, snapshot, str(failure))
