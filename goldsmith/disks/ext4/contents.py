"""Files' data on its way to the disk: one thread reads and finds the zeros, another writes."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Self

from goldsmith.disks.ext4.groups import BLOCK
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from goldsmith.disks.ext4.walk import Node

HOLE = 64 << 10
"""A stretch of zeros becomes a hole when it is a multiple of this, at a multiple of this: by content alone, as file
systems differ in what they report as holes."""

_CHUNK = 1 << 20
_BUFFER = 4 << 20
_BUFFERS = 3
_ZEROS = memoryview(bytes(HOLE))
_SEEKS_FROM = 1 << 20

_Placement = tuple[int, int, int]


class Contents:
    """Gathers data in large buffers and writes each where `place` and `write` say, in a thread of its own.

    As places only ever ascend, ``on_final`` hears after each buffer between which bytes of ``fd`` all data is written.
    """

    def __init__(self, fd: int, offset: int, on_final: Callable[[int, int], None] | None = None) -> None:
        self._fd = fd
        self._offset = offset
        self._on_final = on_final
        self._first: int | None = None
        self._spare: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        for _ in range(_BUFFERS):
            self._spare.put(bytearray(_BUFFER))
        self._full: queue.SimpleQueue[tuple[bytearray, list[_Placement]] | None] = queue.SimpleQueue()
        self._buffer = self._spare.get()
        self._placements: list[_Placement] = []
        self._fill = 0
        self._place_from = 0
        self._failure: OSError | None = None
        self._writer = threading.Thread(target=self._write_all, daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over()
        self._full.put(None)
        self._writer.join()
        if self._failure and error is None:
            raise self._failure

    def write(self, block: int, data: bytes) -> None:
        """Write up to 1 MiB of whole blocks, or what is padded to them, from ``block`` on."""
        for begin in range(0, len(data), _CHUNK):
            piece = data[begin : begin + _CHUNK]
            blocks = -(-len(piece) // BLOCK)
            self._make_room(blocks * BLOCK)
            self._buffer[self._fill : self._fill + blocks * BLOCK] = piece.ljust(blocks * BLOCK, b"\0")
            self._place_from = self._fill
            self._fill += blocks * BLOCK
            self.place(block + begin // BLOCK, blocks)

    def read(self, node: Node, most: int) -> Iterator[tuple[int, int]]:
        """Read a file; yield its stretches of data as (first block of the file, count), at most ``most`` of them.

        Before the next one is asked for, `place` says where all its blocks go.
        """
        if not node.size:
            return
        source = os.open(b"/" + node.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            at = yielded = 0
            while at < node.size:
                if node.size >= _SEEKS_FROM and yielded < most:
                    at = _next_data(source, at, node.size)
                    if at == node.size:
                        return
                length = self._read_chunk(source, node, at)
                base = self._fill - -(-length // BLOCK) * BLOCK
                for begin, end in self._stretches(base, length, whole=yielded >= most):
                    yielded += 1
                    self._place_from = base + begin
                    yield (at + begin) // BLOCK, -(-(end - begin) // BLOCK)
                at += length
        finally:
            os.close(source)

    def _read_chunk(self, source: int, node: Node, at: int) -> int:
        """Read up to 1 MiB at byte ``at`` into the buffer, padded with zeros to whole blocks; return its length."""
        length = min(_CHUNK, node.size - at)
        padded = -(-length // BLOCK) * BLOCK
        self._make_room(padded)
        with memoryview(self._buffer) as view:
            got = 0
            while got < length:
                step = os.preadv(source, [view[self._fill + got : self._fill + length]], at + got)
                if not step:
                    raise DiskError(f"/{node.path.decode(errors='replace')} grew shorter while it was packed.")
                got += step
            if padded > length:
                view[self._fill + length : self._fill + padded] = _ZEROS[: padded - length]
        self._fill += padded
        return length

    def _stretches(self, base: int, length: int, *, whole: bool) -> list[tuple[int, int]]:
        """Return the stretches (begin, end) of a chunk at ``base`` that are not HOLE by HOLE zeros."""
        if whole:
            return [(0, length)]
        found: list[tuple[int, int]] = []
        with memoryview(self._buffer) as view:
            for begin in range(0, length, HOLE):
                end = min(begin + HOLE, length)
                if view[base + begin : base + end] == _ZEROS[: end - begin]:
                    continue
                if found and found[-1][1] == begin:
                    found[-1] = (found[-1][0], end)
                else:
                    found.append((begin, end))
        return found

    def place(self, block: int, count: int) -> None:
        """Say that the next ``count`` blocks of the stretch go to ``block``."""
        at = self._place_from
        self._place_from += count * BLOCK
        if self._placements:
            last_block, last_at, last_count = self._placements[-1]
            if last_block + last_count == block and last_at + last_count * BLOCK == at:
                self._placements[-1] = (last_block, last_at, last_count + count)
                return
        self._placements.append((block, at, count))

    def _make_room(self, size: int) -> None:
        if self._fill + size > _BUFFER:
            self._hand_over()
            self._buffer = self._spare.get()
            self._fill = 0

    def _hand_over(self) -> None:
        self._full.put((self._buffer, self._placements))
        self._placements = []

    def _write_all(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, placements = item
            if not self._failure:
                try:
                    with memoryview(buffer) as view:
                        for block, at, count in placements:
                            self._write_out(view[at : at + count * BLOCK], self._offset + block * BLOCK)
                    self._tell(placements)
                except OSError as failure:
                    self._failure = failure
            self._spare.put(buffer)

    def _tell(self, placements: list[_Placement]) -> None:
        if self._on_final and placements:
            if self._first is None:
                self._first = placements[0][0]
            last, _, count = placements[-1]
            self._on_final(self._offset + self._first * BLOCK, self._offset + (last + count) * BLOCK)

    def _write_out(self, data: memoryview, place: int) -> None:
        while data:
            done = os.pwrite(self._fd, data, place)
            data, place = data[done:], place + done


def _next_data(source: int, at: int, size: int) -> int:
    """Return where data next begins, down to a multiple of HOLE; ``size`` when only a hole is left."""
    try:
        found = os.lseek(source, at, os.SEEK_DATA)
    except OSError:
        return size
    return max(at, found // HOLE * HOLE)
