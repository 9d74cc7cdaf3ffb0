"""What `goldsmith build` baked becomes AMIs of the first account, in the default region."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.snapshot_records import GIB, gibibytes
from goldsmith.aws.kept_disks import StoredDisk, add_image
from goldsmith.aws.tags import LONGEST_KEY, LONGEST_VALUE, MOST, RESERVED
from goldsmith.blocks.disk_files import store_disk
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.images import ImageStore
from goldsmith.catalog.resources import Query
from goldsmith.catalog.uses import RECYCLED
from goldsmith.disks.containers import to_raw
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.locks import held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.block_map import BlockMap
    from goldsmith.blocks.store import BlockStore
    from goldsmith.blocks.writing import Writing
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.images import Image
    from goldsmith.catalog.resources import Resource

LOCK = "adopting.lock"
FINISHED = "AVAILABLE"
READ = frozenset({"raw", "qcow2"})
"""The formats of a disk that become an AMI's."""

log = logging.getLogger(__name__)


def adopt(cloud: Cloud) -> list[str]:
    """Make AMIs of the baked images that are none yet; return their ids. It may be repeated, and called at once.

    One that was deregistered is not made again. An image that cannot be read is left out, and told in the log.
    """
    with cloud.database.reading() as connection:
        accounts = all_accounts(connection)
    if not accounts:
        return []
    images = ImageStore(cloud.home.images)
    made = []
    with held(cloud.home.path / LOCK):
        baked = sorted(images.all(), key=lambda each: (each.created, each.build))
        there = _adopted(cloud, accounts[0], baked)
        for image in baked:
            if image.reference in there or image.status != FINISHED or not _has_disk(image):
                continue
            try:
                record = _adopt(cloud, accounts[0], image, images.path(image), there)
            except (GoldsmithError, OSError) as failure:
                log.warning("The image %s did not become an AMI: %s", image.reference, failure)
                continue
            there[image.reference] = record.inner["baked"]["map"]
            made.append(record.id)
    return made


def _adopted(cloud: Cloud, account: Account, images: Iterable[Image]) -> dict[str, str]:
    """Return the references of those images that are or were AMIs, with their disks' maps."""
    names = tuple(name for image in images for name in (_name(image), _second_name(image)))
    with cloud.catalog(account, cloud.settings.default_region, writes=False) as catalog:
        records = [
            record
            for kind in ("image", f"{RECYCLED}image")
            for record in catalog.find(Query(kind, names=names, owners=(account.id,)))
            if "baked" in record.inner
        ]
    return {record.inner["baked"]["reference"]: record.inner["baked"]["map"] for record in records}


def _adopt(cloud: Cloud, account: Account, image: Image, folder: Path, there: dict[str, str]) -> Resource:
    region = cloud.settings.default_region
    store = cloud.blocks(region)
    earlier = [name for reference, name in there.items() if reference.startswith(f"{image.name}/")]
    base = _load(store, earlier[-1]) if earlier else None
    with TemporaryDirectory(prefix="adopting-", dir=cloud.home.path) as scratch, store.writing() as writing:
        disk = _store(image, folder, Path(scratch), writing, base)
        size = gibibytes(disk.size)
        block_map = disk.merged({}, size * GIB)
        name = writing.save(block_map)
        with cloud.catalog(account, region) as catalog:
            taken = catalog.find(Query("image", names=(_name(image),), owners=(account.id,)))
            record = add_image(
                catalog,
                StoredDisk(name, block_map, size, f"The disk of {image.reference}"),
                now=cloud.clock(),
                name=_name(image) if next(taken, None) is None else _second_name(image),
                description=_description(image),
                created=datetime.fromisoformat(image.created).timestamp(),
                inner={"baked": {"reference": image.reference, "plan": image.plan, "map": name}},
                tags=_tags(image),
            )
    log.info("%s is %s: %d blocks new, %d known", image.reference, record.id, writing.new_blocks, writing.known_blocks)
    return record


def _has_disk(image: Image) -> bool:
    """Whether there is what an AMI is made of; an image may be a container image alone."""
    return not READ.isdisjoint(disk.format for disk in image.disks)


def _store(image: Image, folder: Path, scratch: Path, writing: Writing, base: BlockMap | None) -> BlockMap:
    """Put an image's disk into the store, from whichever of its files is the quickest to read."""
    files = {disk.format: folder / disk.file for disk in image.disks}
    if "raw" in files:
        return store_disk(writing, files["raw"], base=base)
    raw = scratch / "disk.raw"
    to_raw(files["qcow2"], "qcow2", raw)
    return store_disk(writing, raw, base=base)


def _load(store: BlockStore, name: str) -> BlockMap | None:
    """Return an earlier version's map, to compare with; without it all is stored that the store does not have."""
    try:
        return store.load_map(name)
    except GoldsmithError:
        return None


def _name(image: Image) -> str:
    """Return the image's reference with what no AMI's name may have replaced."""
    return re.sub(r"[^A-Za-z0-9()\[\] ./\-'@_]", "-", image.reference)[:110]


def _second_name(image: Image) -> str:
    """Return the name for where somebody has given the first one to another AMI."""
    return f"{_name(image)} baked {image.plan[:8]}"


def _description(image: Image) -> str:
    return (image.description or f"{image.name} {image.version}, of {image.parent_image}")[:255]


def _tags(image: Image) -> dict[str, str]:
    components = ", ".join(str(each["name"]) for each in image.components)
    own = {
        "goldsmith:image": image.reference,
        "goldsmith:plan": image.plan,
        "goldsmith:parent-image": image.parent_image[:LONGEST_VALUE],
        "goldsmith:components": components[:LONGEST_VALUE],
    }
    given = {
        key: str(value)[:LONGEST_VALUE]
        for key, value in image.tags.items()
        if len(key) <= LONGEST_KEY and not key.lower().startswith(RESERVED)
    }
    return dict(list({**own, **given}.items())[:MOST])
