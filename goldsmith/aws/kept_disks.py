"""A disk that was made on this host becomes a snapshot and an AMI of it, both at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.images import image_document
from goldsmith.aws.ec2.snapshot_records import GIB, blank_snapshot, completed, gibibytes
from goldsmith.blocks.disk_files import store_disk
from goldsmith.catalog.resources import Query, Resource, new_id
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.locks import held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.catalog.catalog import Catalog

ROOT = "/dev/xvda"


class NameTakenError(GoldsmithError):
    """Another AMI of the account has the name."""


@dataclass(frozen=True)
class StoredDisk:
    """A disk in a block store: its map and that map's name, its size in GiB, and a line on what it is."""

    map_name: str
    block_map: BlockMap
    size: int
    description: str


def keep_disk(
    cloud: Cloud, account: str, region: str, disk: Path, *, token: str, name: str, facts: Mapping[str, Any]
) -> str:
    """Store a raw disk and make an AMI of it, once for a token; see `goldsmith.pipelines.world.World`."""
    locks = cloud.home.path / "turns"
    locks.mkdir(exist_ok=True)
    with held(locks / f"{token}.lock"):
        made = _made(cloud, account, region, token, name)
        made = made or _keep(cloud, account, region, disk, token=token, name=name, facts=facts)
    (locks / f"{token}.lock").unlink(missing_ok=True)
    return made


def _keep(
    cloud: Cloud, account: str, region: str, disk: Path, *, token: str, name: str, facts: Mapping[str, Any]
) -> str:
    store = cloud.blocks(region)
    with store.writing() as writing:
        stored = store_disk(writing, disk, base=_earlier(cloud, account, region, facts.get("earlier", "")))
        size = gibibytes(stored.size)
        block_map = stored.merged({}, size * GIB)
        map_name = writing.save(block_map)
        tags = facts.get("tags", {})
        with cloud.catalog(account, region) as catalog:
            image = add_image(
                catalog,
                StoredDisk(map_name, block_map, size, f"The disk of {name}"),
                now=cloud.clock(),
                name=name,
                description=str(facts.get("description", "")),
                inner={"token": token},
                tags=tags,
            )
    return image.id


def add_image(
    catalog: Catalog,
    disk: StoredDisk,
    *,
    now: float,
    name: str,
    description: str,
    inner: Mapping[str, Any],
    tags: Mapping[str, str],
    created: float | None = None,
) -> Resource:
    """Add the snapshot of a stored disk and the AMI of it to the catalogue, complete as they are."""
    account, region = catalog.account.id, catalog.region
    blank = blank_snapshot(account, region, now, disk.size, description=disk.description)
    snapshot = catalog.add(completed(blank, disk.map_name, disk.block_map, now), tags)
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": disk.size,
        "VolumeType": "gp3",
        "DeleteOnTermination": True,
        "Encrypted": False,
    }
    document = image_document(
        Description=description,
        Architecture="x86_64",
        RootDeviceName=ROOT,
        BlockDeviceMappings=[{"DeviceName": ROOT, "Ebs": ebs}],
        BootMode="uefi-preferred",
        EnaSupport=True,
        ImdsSupport="v2.0",
    )
    image = Resource(new_id("ami"), "image", account, region, name, "available", created or now, document, dict(inner))
    return catalog.add(image, tags)


def _made(cloud: Cloud, account: str, region: str, token: str, name: str) -> str:
    """Return the AMI that was made for the token. Raises NameTakenError when its name is another's."""
    with cloud.catalog(account, region, writes=False) as catalog:
        for image in catalog.find(Query("image", names=(name,), owners=(account,))):
            if image.inner.get("token") == token:
                return image.id
            raise NameTakenError(
                f"The AMI name {name} is already in use by {image.id}.",
                mend="Let the name hold {{ imagebuilder:buildDate }}, or deregister the other.",
            )
    return ""


def _earlier(cloud: Cloud, account: str, region: str, identifier: str) -> BlockMap | None:
    """Return the map of an earlier version's disk, with which the new one is compared; none where it is gone."""
    if not identifier:
        return None
    with cloud.catalog(account, region, writes=False) as catalog:
        image = catalog.own("image", identifier)
        mappings = image.document.get("BlockDeviceMappings", []) if image else []
        snapshot = catalog.own("snapshot", mappings[0]["Ebs"]["SnapshotId"]) if mappings else None
    name = snapshot.inner.get("map") if snapshot else None
    try:
        return cloud.blocks(region).load_map(name) if name else None
    except GoldsmithError:
        return None
