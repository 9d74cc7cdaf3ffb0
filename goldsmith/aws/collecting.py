"""Which blocks of the regions' stores are needed, what they take, and the collection of all others."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.task_records import EXPORT_IMAGE, STORE_IMAGE
from goldsmith.blocks.store import GRACE
from goldsmith.catalog.resources import every
from goldsmith.catalog.uploads import uploading_digests
from goldsmith.catalog.uses import RECYCLED
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.volumes import Volumes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.store import BlockStore, Collected

SNAPSHOTS = ("snapshot", f"{RECYCLED}snapshot")

log = logging.getLogger(__name__)


@dataclass
class Needs:
    """What of a store is needed: ``maps`` of snapshots, by how many have each; ``others`` that work needs; ``digests``.

    ``digests`` are of blocks that no map may name: those of volumes' bases and of uploads.
    """

    store: BlockStore
    regions: list[str] = field(default_factory=list)
    maps: Counter[str] = field(default_factory=Counter)
    others: set[str] = field(default_factory=set)
    digests: set[bytes] = field(default_factory=set)

    @property
    def live_maps(self) -> set[str]:
        """All maps that have to stay."""
        return {*self.maps, *self.others}


def needs(cloud: Cloud) -> list[Needs]:
    """Return what is needed of each store; regions whose stores are one are told together."""
    by_url: dict[str, Needs] = {}
    of_region: dict[str, Needs] = {}
    for region in cloud.settings.regions:
        store = cloud.blocks(region)
        of_region[region] = by_url.setdefault(store.url, Needs(store))
        of_region[region].regions.append(region)
    with cloud.database.reading() as connection:
        _note_snapshots(connection, of_region)
        _note_work(connection, of_region, _laid_out(cloud))
        for region, found in of_region.items():
            found.digests |= uploading_digests(connection, region)
    for url, digest in Volumes(cloud.home.volumes, cloud.home.instances).live_digests():
        if url in by_url:
            by_url[url].digests.add(digest)
    return list(by_url.values())


def collect(cloud: Cloud, *, grace: float = GRACE) -> dict[str, Collected]:
    """Remove from all stores what nothing needs; return what went, by the stores' regions.

    Builds, uploads, copies and captures may go on meanwhile: what they put is younger than the collection, and what
    they rely on is in their records.
    """
    return {
        ", ".join(found.regions): found.store.collect(found.live_maps, found.digests, grace=grace)
        for found in needs(cloud)
    }


def keep_tidy(cloud: Cloud) -> None:
    """Collect, as a server does from time to time; what cannot be collected is logged."""
    for found in needs(cloud):
        try:
            gone = found.store.collect(found.live_maps, found.digests)
        except GoldsmithError as failure:
            log.warning("The block store %s could not be collected: %s", found.store.url, failure)
            continue
        if gone.blocks:
            log.info("Removed %d blocks (%d bytes) from %s", gone.blocks, gone.stored_bytes, found.store.url)


def _note_snapshots(connection: Connection, of_region: dict[str, Needs]) -> None:
    for kind in SNAPSHOTS:
        for snapshot in every(connection, kind):
            inner = snapshot.inner
            here = of_region.get(snapshot.region)
            if here and inner.get("map"):
                here.maps[inner["map"]] += 1
            if here and inner.get("parent_map"):
                here.others.add(inner["parent_map"])
            source = inner.get("copy")
            if source and (there := of_region.get(source["region"])):
                there.others.add(source["map"])


def _note_work(connection: Connection, of_region: dict[str, Needs], laid_out: set[str]) -> None:
    """Note the maps that running tasks read, and those of volumes that have not got their own copy yet."""
    for kind in (EXPORT_IMAGE, STORE_IMAGE):
        for task in every(connection, kind, states=("active", "deleting")):
            if here := of_region.get(task.region):
                here.others |= {task.inner["map"]} if task.inner.get("map") else set()
                here.others |= set((task.inner.get("maps") or {}).values())
    for volume in every(connection, "volume"):
        if (here := of_region.get(volume.region)) and volume.id not in laid_out and volume.inner.get("map"):
            here.others |= {volume.inner["map"]} & here.store.maps()


def _laid_out(cloud: Cloud) -> set[str]:
    return {path.parent.name for path in cloud.home.volumes.glob("vol-*/volume.json")}
