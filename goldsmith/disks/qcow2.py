"""A raw disk becomes a qcow2 of zstd clusters: both cores compress, one order of writing, the same bytes each time.

Format: QEMU's docs/interop/qcow2.txt, version 3. After the header come the L1 and L2 tables, the clusters packed
end to end, and the reference counts. `qemu-img convert` is either slow or, with -W, differs from run to run.
"""

from __future__ import annotations

import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.clusters import CLUSTER, CLUSTER_BITS, ClusterIndex, index_path
from goldsmith.disks.packing import Packing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.disks.about import About
    from goldsmith.disks.clusters import Cluster

_MAGIC = b"QFI\xfb"
_VERSION = 3
_HEADER_LENGTH = 112
_COMPRESSION_TYPE_BIT = 1 << 3
_ZSTD = 1
_REFCOUNT_ORDER = 4
_REFCOUNTS_PER_BLOCK = CLUSTER // 2
_ENTRIES = CLUSTER // 8
_COPIED = 1 << 63
_COMPRESSED = 1 << 62
_SECTOR_COUNT_SHIFT = 62 - (CLUSTER_BITS - 8)
_SECTOR_BITS = 9
_WRITE_AT_ONCE = 1 << 20


def write_qcow2(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,  # noqa: ARG001 - the signature of every format
    reuse: Path | None = None,
    packing: Packing | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the raw disk ``raw`` as qcow2 to ``output``, and beside it an index of its clusters for a later `reuse`.

    ``reuse`` is an earlier output: clusters of the same content are taken from it as they are, which saves compressing
    them and changes no byte. ``packing`` is one of the same two that has begun already. ``progress`` hears (bytes
    done, of how many). On failure no output is left.
    """
    with ExitStack() as stack:
        started = packing or stack.enter_context(Packing(raw, reuse))
        try:
            with output.open("wb") as target:
                index = _Writer(raw.stat().st_size, target).write(started.clusters(progress))
            index.save(output)
        except BaseException:
            output.unlink(missing_ok=True)
            index_path(output).unlink(missing_ok=True)
            raise


class _Writer:
    """One image being written: where the next cluster goes, and who refers to which part of the file."""

    def __init__(self, size: int, target: BinaryIO) -> None:
        self._target = target
        self._size = size
        self._l2_tables = -(-self._size // (CLUSTER * _ENTRIES))
        self._l1_clusters = -(-self._l2_tables * 8 // CLUSTER)
        self._metadata = 1 + self._l1_clusters + self._l2_tables
        self._l2 = [0] * (self._l2_tables * _ENTRIES)
        self._end = self._metadata * CLUSTER
        self._references: dict[int, int] = dict.fromkeys(range(self._metadata), 1)
        self._buffer = bytearray()
        self._flushed = self._end

    def write(self, clusters: Iterator[Cluster]) -> ClusterIndex:
        """Write everything; return the index of what was written."""
        index = ClusterIndex()
        for cluster in clusters:
            place = self._append(cluster.number, cluster.data, packed=cluster.packed)
            index.add(cluster, place)
        self._align()
        self._flush()
        table, table_clusters = self._write_references()
        self._write_tables()
        self._write_header(table, table_clusters)
        return index

    def _append(self, number: int, data: bytes, *, packed: bool) -> int:
        """Put a guest cluster's data at the end of the file; return its place in bytes."""
        if not packed:
            self._align()
        place = self._end
        last = place + len(data) - 1
        if packed:
            sectors = (last >> _SECTOR_BITS) - (place >> _SECTOR_BITS)
            self._l2[number] = _COMPRESSED | sectors << _SECTOR_COUNT_SHIFT | place
        else:
            self._l2[number] = _COPIED | place
        for cluster in range(place >> CLUSTER_BITS, (last >> CLUSTER_BITS) + 1):
            self._references[cluster] = self._references.get(cluster, 0) + 1
        self._buffer += data
        self._end += len(data)
        if len(self._buffer) >= _WRITE_AT_ONCE:
            self._flush()
        return place

    def _align(self) -> None:
        rest = -self._end % CLUSTER
        self._buffer += bytes(rest)
        self._end += rest

    def _flush(self) -> None:
        self._target.seek(self._flushed)
        self._target.write(self._buffer)
        self._flushed += len(self._buffer)
        self._buffer.clear()

    def _write_references(self) -> tuple[int, int]:
        """Write the reference counts, which count themselves too; return the table's place and its clusters."""
        data_clusters = self._end // CLUSTER
        blocks = table_clusters = 0
        while True:
            needed = -(-(data_clusters + table_clusters + blocks) // _REFCOUNTS_PER_BLOCK)
            table_needed = -(-needed * 8 // CLUSTER)
            if (needed, table_needed) == (blocks, table_clusters):
                break
            blocks, table_clusters = needed, table_needed
        first = data_clusters
        for cluster in range(first, first + table_clusters + blocks):
            self._references[cluster] = 1
        counts = [self._references.get(n, 0) for n in range(blocks * _REFCOUNTS_PER_BLOCK)]
        places = [(first + table_clusters + n) * CLUSTER for n in range(blocks)]
        table = struct.pack(f">{blocks}Q", *places).ljust(table_clusters * CLUSTER, b"\0")
        self._target.seek(self._end)
        self._target.write(table + struct.pack(f">{len(counts)}H", *counts))
        return self._end, table_clusters

    def _write_tables(self) -> None:
        first = (1 + self._l1_clusters) * CLUSTER
        places = [_COPIED | first + n * CLUSTER for n in range(self._l2_tables)]
        l1 = struct.pack(f">{self._l2_tables}Q", *places).ljust(self._l1_clusters * CLUSTER, b"\0")
        self._target.seek(CLUSTER)
        self._target.write(l1 + struct.pack(f">{len(self._l2)}Q", *self._l2))

    def _write_header(self, table: int, table_clusters: int) -> None:
        header = _MAGIC + struct.pack(
            ">IQIIQIIQQIIQQQQII", _VERSION, 0, 0, CLUSTER_BITS, self._size, 0, self._l2_tables, CLUSTER,
            table, table_clusters, 0, 0, _COMPRESSION_TYPE_BIT, 0, 0, _REFCOUNT_ORDER, _HEADER_LENGTH,
        )  # fmt: skip
        header += struct.pack(">B7x", _ZSTD)
        self._target.seek(0)
        self._target.write(header.ljust(CLUSTER, b"\0"))
