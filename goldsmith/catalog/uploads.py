"""Blocks of snapshots that are being uploaded: which index has which digest, until the snapshot is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from goldsmith.catalog.tables import RESOURCES, UPLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

SCAN = 10_000
"""Rows that are fetched at once."""

PORTION = 500


def lock_pending(connection: Connection, snapshots: set[str]) -> set[str]:
    """Return those snapshots that still take blocks; until the transaction ends they stay so.

    A snapshot takes blocks while it is pending and knows of its upload, but not of its sealing.
    """
    rows = connection.execute(
        select(RESOURCES.c.id, RESOURCES.c.inner)
        .where(RESOURCES.c.kind == "snapshot", RESOURCES.c.id.in_(snapshots), RESOURCES.c.state == "pending")
        .with_for_update()
    )
    return {row.id for row in rows if "upload" in row.inner and "sealed" not in row.inner}


def record_blocks(connection: Connection, snapshot: str, digests: Mapping[int, bytes], now: float) -> None:
    """Note blocks that a store holds; an index that was put before has its new digest."""
    indexes = sorted(digests)
    for start in range(0, len(indexes), PORTION):
        some = indexes[start : start + PORTION]
        connection.execute(delete(UPLOADS).where(UPLOADS.c.snapshot == snapshot, UPLOADS.c.index.in_(some)))
        connection.execute(
            insert(UPLOADS),
            [{"snapshot": snapshot, "index": index, "digest": digests[index], "put": now} for index in some],
        )


def show_progress(connection: Connection, snapshot: str, percent: int) -> None:
    """Note how far an upload is, as its client says."""
    here = (RESOURCES.c.kind == "snapshot", RESOURCES.c.id == snapshot)
    document = connection.execute(select(RESOURCES.c.document).where(*here)).scalar_one()
    shown = {**document, "Progress": f"{percent}%"}
    if shown != document:
        connection.execute(update(RESOURCES).where(*here).values(document=shown))


def last_put(connection: Connection, snapshot: str) -> float:
    """Return when a snapshot was given its last block, 0 for never."""
    return float(
        connection.execute(select(func.max(UPLOADS.c.put)).where(UPLOADS.c.snapshot == snapshot)).scalar() or 0
    )


def uploaded_blocks(connection: Connection, snapshot: str) -> Iterator[tuple[int, bytes]]:
    """Yield (index, digest) of a snapshot's blocks, by ascending index."""
    blocks = select(UPLOADS.c.index, UPLOADS.c.digest).where(UPLOADS.c.snapshot == snapshot).order_by(UPLOADS.c.index)
    for index, digest in connection.execute(blocks.execution_options(yield_per=SCAN)):
        yield index, bytes(digest)


def forget_blocks(connection: Connection, snapshot: str) -> None:
    """Forget a snapshot's blocks: it is complete, or given up."""
    connection.execute(delete(UPLOADS).where(UPLOADS.c.snapshot == snapshot))


def uploading_digests(connection: Connection, region: str) -> set[bytes]:
    """Return the digests of all blocks of a region's unfinished snapshots, which its collector has to spare."""
    there = select(RESOURCES.c.id).where(RESOURCES.c.kind == "snapshot", RESOURCES.c.region == region)
    digests = select(UPLOADS.c.digest).where(UPLOADS.c.snapshot.in_(there)).distinct()
    return {bytes(digest) for digest in connection.execute(digests.execution_options(yield_per=SCAN)).scalars()}
