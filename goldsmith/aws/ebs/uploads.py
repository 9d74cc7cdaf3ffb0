"""Snapshots that clients upload: StartSnapshot, PutSnapshotBlock, CompleteSnapshot (EBS direct APIs reference).

What waits for a disk gives its call's connection back first: many of these come at once, and those that wait may not
hold what those need that they wait for.
"""

from __future__ import annotations

import base64
import binascii
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from goldsmith.aws.ebs.checksums import LinearChecksum, encode
from goldsmith.aws.ebs.intake import Intake
from goldsmith.aws.ebs.refusals import invalid, no_snapshot
from goldsmith.aws.ec2.snapshot_records import GIB, completed, failed, new_snapshot, record_failure, require_room
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ebs
from goldsmith.aws.tags import parse_tags, show_tags
from goldsmith.blocks.block_map import BLOCK, DIGEST_BYTES, BlockMap
from goldsmith.catalog.resources import Resource, every
from goldsmith.catalog.uploads import (
    forget_blocks,
    last_put,
    lock_pending,
    record_blocks,
    show_progress,
    uploaded_blocks,
)
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud
    from goldsmith.aws.ebs.intake import Record
    from goldsmith.catalog.database import Database

LARGEST = 65536
"""GiB."""

DEFAULT_TIMEOUT = 60
"""Minutes."""

MINUTE = 60
TIMED_OUT = "The snapshot got no block for {minutes} minutes."

_INTAKES: WeakKeyDictionary[Database, dict[str, Intake]] = WeakKeyDictionary()
_LOCK = threading.Lock()


@ebs.operation(deviation="Encrypted and KmsKeyArn are refused: there is no key management here.")
def start_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin an upload, on the blocks of a parent or on none."""
    if parameters.get("Encrypted") and parameters.get("ParentSnapshotId"):
        raise invalid("INVALID_PARAMETER_VALUE", "Encrypted cannot be given together with ParentSnapshotId.")
    if parameters.get("Encrypted") or parameters.get("KmsKeyArn"):
        raise invalid("INVALID_CUSTOMER_KEY", "There is no key management here: snapshots cannot be encrypted.")
    size = parameters["VolumeSize"]
    if size > LARGEST:
        raise invalid("INVALID_VOLUME_SIZE", f"A volume has from 1 to {LARGEST} GiB.")
    try:
        tags = parse_tags(parameters.get("Tags") or ())
    except AwsError as wrong:
        raise invalid("INVALID_TAG", wrong.message) from wrong
    require_room(call, "ConcurrentLimitExceededException")
    inner: dict[str, Any] = {"upload": parameters.get("Timeout") or DEFAULT_TIMEOUT}
    parent = _parent(call, parameters.get("ParentSnapshotId"), size)
    if parent:
        inner |= {"parent": parent.id, "parent_map": parent.inner["map"]}
    snapshot = new_snapshot(call, size, description=parameters.get("Description") or "", inner=inner)
    call.catalog.add(snapshot, tags)
    return {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.account,
        "Status": snapshot.state,
        "StartTime": call.now,
        "VolumeSize": size,
        "BlockSize": BLOCK,
        "Description": snapshot.document["Description"],
        "Tags": show_tags(tags),
        "ParentSnapshotId": parent.id if parent else None,
        "SseType": "none",
    }


@ebs.operation(writes=False)
def put_snapshot_block(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a block; it is durable when this answers."""
    block = parameters["BlockData"]
    if parameters["DataLength"] != BLOCK or len(block) != BLOCK:
        raise invalid("INVALID_PARAMETER_VALUE", f"A block has {BLOCK} bytes of data.")
    snapshot = _uploading(call, parameters["SnapshotId"])
    index = parameters["BlockIndex"]
    if index >= int(snapshot.document["VolumeSize"]) * GIB // BLOCK:
        raise invalid("INVALID_BLOCK", f"A volume of {snapshot.document['VolumeSize']} GiB has no block {index}.")
    digest = _digest(parameters["Checksum"])
    call.catalog.connection.close()
    _intake(call.cloud, call.region).put(snapshot.id, index, block, digest=digest, progress=parameters.get("Progress"))
    return {"Checksum": encode(digest), "ChecksumAlgorithm": "SHA256"}


@ebs.operation(writes=False)
def complete_snapshot(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """End an upload: what was not uploaded is as in the parent. Asking again the same is answered the same."""
    how = [parameters["ChangedBlocksCount"], parameters.get("Checksum") or ""]
    snapshot = call.catalog.own("snapshot", parameters["SnapshotId"])
    if snapshot is None:
        raise no_snapshot(parameters["SnapshotId"])
    if "upload" not in snapshot.inner:
        raise invalid("INVALID_SNAPSHOT_ID", f"The snapshot '{snapshot.id}' was not started by StartSnapshot.")
    call.catalog.connection.close()
    if _seal(call.cloud, snapshot, how):
        finish(call.cloud, snapshot)
    with call.cloud.catalog(call.account, call.region, writes=False) as catalog:
        there = catalog.own("snapshot", snapshot.id)
    if there is None:
        raise no_snapshot(snapshot.id)
    return {"Status": there.state}


def finish(cloud: Cloud, snapshot: Resource) -> None:
    """Make the contents of a sealed upload; whatever goes wrong is told in its record."""
    store = cloud.blocks(snapshot.region)
    size = int(snapshot.document["VolumeSize"]) * GIB
    try:
        with store.writing() as writing:
            with cloud.database.reading() as connection:
                blocks = dict(uploaded_blocks(connection, snapshot.id))
            parent = snapshot.inner.get("parent_map")
            base = store.load_map(parent) if parent else BlockMap(size, {})
            block_map = base.merged(blocks, size)
            name = writing.save(block_map)
            with cloud.catalog(snapshot.account, snapshot.region) as catalog:
                there = catalog.own("snapshot", snapshot.id)
                if there is not None and there.state == "pending":
                    catalog.save(completed(there, name, block_map, cloud.clock()))
                    forget_blocks(catalog.connection, snapshot.id)
    except GoldsmithError as failure:
        record_failure(cloud, snapshot, str(failure))


def expire(cloud: Cloud) -> None:
    """Give up uploads that got no block for as long as their timeout says."""
    with cloud.database.writing() as connection:
        pending = [each for each in every(connection, "snapshot", states=("pending",)) if "upload" in each.inner]
        late = [each for each in pending if "sealed" not in each.inner and _is_late(cloud, connection, each)]
    for snapshot in late:
        with cloud.catalog(snapshot.account, snapshot.region) as catalog:
            there = catalog.own("snapshot", snapshot.id)
            if there is not None and "sealed" not in there.inner and _is_late(cloud, catalog.connection, there):
                message = TIMED_OUT.format(minutes=there.inner["upload"])
                catalog.save(failed(there, message).knowing(timed_out=True))
                forget_blocks(catalog.connection, there.id)


def _is_late(cloud: Cloud, connection: Connection, snapshot: Resource) -> bool:
    last = max(last_put(connection, snapshot.id), snapshot.created)
    return last + int(snapshot.inner["upload"]) * MINUTE < cloud.clock()


def _parent(call: Call, identifier: str | None, size: int) -> Resource | None:
    if not identifier:
        return None
    parent = call.catalog.own("snapshot", identifier)
    if parent is None:
        raise no_snapshot(identifier)
    if parent.state != "completed":
        raise invalid("INVALID_SNAPSHOT_ID", f"The parent snapshot '{identifier}' is not completed.")
    if int(parent.document["VolumeSize"]) > size:
        raise invalid(
            "INVALID_VOLUME_SIZE", f"The parent snapshot '{identifier}' has {parent.document['VolumeSize']} GiB."
        )
    return parent


def _uploading(call: Call, identifier: str) -> Resource:
    """Return a snapshot of the caller's that takes blocks."""
    snapshot = call.catalog.own("snapshot", identifier)
    if snapshot is None:
        raise no_snapshot(identifier)
    if snapshot.inner.get("timed_out"):
        raise invalid("WRITE_REQUEST_TIMEOUT", str(snapshot.document.get("StateMessage")))
    if snapshot.state != "pending" or "upload" not in snapshot.inner or "sealed" in snapshot.inner:
        raise invalid("INVALID_SNAPSHOT_ID", f"The snapshot '{identifier}' is no upload that takes blocks.")
    return snapshot


def _seal(cloud: Cloud, snapshot: Resource, how: list[Any]) -> bool:
    """End the taking of blocks; tell whether this call did. Raises AwsError when the client counts otherwise."""
    refusal = None
    with cloud.catalog(snapshot.account, snapshot.region) as catalog:
        there = catalog.own("snapshot", snapshot.id)
        if there is None:
            raise no_snapshot(snapshot.id)
        if there.inner.get("sealed") == how and there.state != "error":
            return False
        if not lock_pending(catalog.connection, {there.id}):
            raise invalid("INVALID_SNAPSHOT_ID", f"The snapshot '{there.id}' is no upload that can be completed.")
        linear = LinearChecksum(digest for _, digest in uploaded_blocks(catalog.connection, there.id))
        wanted, checksum = how
        if wanted != linear.blocks:
            refusal = f"{wanted} blocks should have been put, and {linear.blocks} were."
        elif checksum and not linear.is_right(checksum):
            refusal = "The checksum does not match the blocks that were put."
        if refusal:
            forget_blocks(catalog.connection, there.id)
            catalog.save(failed(there, refusal))
        else:
            catalog.save(there.knowing(sealed=how))
    if refusal:
        raise invalid("INVALID_PARAMETER_VALUE", refusal)
    return True


def _digest(checksum: str) -> bytes:
    try:
        digest = base64.b64decode(checksum, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise invalid("INVALID_PARAMETER_VALUE", "The checksum is no SHA-256 in base 64.")
    return digest


def _intake(cloud: Cloud, region: str) -> Intake:
    with _LOCK:
        of_cloud = _INTAKES.setdefault(cloud.database, {})
        if region not in of_cloud:
            of_cloud[region] = Intake(cloud.blocks(region), _recorder(cloud))
        return of_cloud[region]


def _recorder(cloud: Cloud) -> Record:
    database, clock = cloud.database, cloud.clock

    def record(blocks: dict[str, dict[int, bytes]], progress: dict[str, int]) -> set[str]:
        with database.writing() as connection:
            taking = lock_pending(connection, set(blocks))
            for snapshot in taking:
                record_blocks(connection, snapshot, blocks[snapshot], clock())
                if snapshot in progress:
                    show_progress(connection, snapshot, progress[snapshot])
            return set(blocks) - taking

    return record
