"""What a volume's frozen files hold over its base: extents read from qcow2 files, gathered by block."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.instances.volumes import offline_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Extent:
    """``length`` bytes of a volume from ``start`` on, at ``place`` of a file's bytes; None for zeros."""

    start: int
    length: int
    place: int | None


@dataclass(frozen=True)
class Piece:
    """A part of one block: ``length`` bytes from ``within`` on, at ``place`` of the file ``layer``; None for zeros."""

    within: int
    length: int
    layer: int
    place: int | None


def written_extents(folder: Path, file: str, size: int) -> list[Extent]:
    """Return what was written to one of a volume's files itself, whatever lies below it.

    Source: https://www.qemu.org/docs/master/tools/qemu-img.html (map). QEMU may have the file open meanwhile, as
    long as nobody writes to it.
    """
    argv = ["qemu-img", "map", "--output=json", "-U", offline_node(folder, file)]
    try:
        told = subprocess.run(argv, check=True, capture_output=True)
    except FileNotFoundError as missing:
        raise InstanceError("qemu-img is not installed on this host.", mend="Install qemu-utils.") from missing
    except subprocess.CalledProcessError as failed:
        said = failed.stderr.decode(errors="replace").strip()
        raise InstanceError(f"The changes in {folder / file} cannot be read: {said}") from failed
    return parse_extents(json.loads(told.stdout), size)


def parse_extents(told: Sequence[dict[str, Any]], size: int) -> list[Extent]:
    """Return the extents of a map that are there, whole and in order; InstanceError for what no volume can have."""
    found: list[Extent] = []
    end = 0
    for entry in told:
        start, length = int(entry["start"]), int(entry["length"])
        if start < end or length <= 0 or start + length > size:
            raise InstanceError(f"A volume's file says that it holds {length} bytes at {start}, which cannot be.")
        end = start + length
        if not entry["present"]:
            continue
        place = None if entry["zero"] else entry.get("offset")
        if place is None and not entry["zero"]:
            raise InstanceError(f"A volume's file holds the bytes at {start} in a way that is not read here.")
        found.append(Extent(start, length, place))
    return found


def by_block(layers: Sequence[Iterable[Extent]]) -> dict[int, list[Piece]]:
    """Return each block that was written to, with its pieces in the order in which they cover one another."""
    blocks: dict[int, list[Piece]] = {}
    for layer, extents in enumerate(layers):
        for extent in extents:
            for index, piece in _split(extent, layer):
                blocks.setdefault(index, []).append(piece)
    return blocks


def covers(pieces: Iterable[Piece], length: int) -> bool:
    """Whether pieces leave nothing of a block's ``length`` bytes to what lies below."""
    end = 0
    for piece in sorted(pieces, key=lambda one: one.within):
        if piece.within > end:
            return False
        end = max(end, piece.within + piece.length)
    return end >= length


def assemble(below: bytes | None, pieces: Iterable[Piece], files: Sequence[int]) -> bytearray:
    """Return a block: ``pieces`` read from the open ``files`` over what lies below (zeros for None)."""
    block = bytearray(below) if below is not None else bytearray(BLOCK)
    for piece in pieces:
        end = piece.within + piece.length
        if piece.place is None:
            block[piece.within : end] = bytes(piece.length)
            continue
        data = os.pread(files[piece.layer], piece.length, piece.place)
        block[piece.within : end] = data.ljust(piece.length, b"\0")  # a file may end before its last cluster does
    return block


def _split(extent: Extent, layer: int) -> Iterator[tuple[int, Piece]]:
    start, end = extent.start, extent.start + extent.length
    while start < end:
        index, within = divmod(start, BLOCK)
        length = min(BLOCK - within, end - start)
        place = None if extent.place is None else extent.place + start - extent.start
        yield index, Piece(within, length, layer, place)
        start += length
