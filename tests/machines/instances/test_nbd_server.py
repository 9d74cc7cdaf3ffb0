from __future__ import annotations

import io
import json
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.store import BlockMissingError
from goldsmith.machines.instances import nbd_wire as wire
from goldsmith.machines.instances.exports import BlockCache, Export
from goldsmith.machines.instances.nbd_server import NbdServer, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.machines.instances.conftest import StoredDisk

SIZE = 9 << 20
BLOCKS = {b"\1" * 32: b"one!" * (BLOCK // 4), b"\2" * 32: b"two!" * (BLOCK // 4)}
MAP = BlockMap(4 * BLOCK, {0: b"\1" * 32, 2: b"\2" * 32, 3: b"\3" * 32})
CONTENTS = BLOCKS[b"\1" * 32] + bytes(BLOCK) + BLOCKS[b"\2" * 32]
LOST = 3 * BLOCK
FLAGS = struct.pack(">I", 3)


class Blocks:
    """A store of two blocks."""

    def get(self, digest: bytes) -> bytes:
        if digest not in BLOCKS:
            raise BlockMissingError("A block is gone.")
        return BLOCKS[digest]


EXPORTS = {"vol-1": Export(5 * BLOCK, MAP, BlockCache(Blocks(), 1))}  # type: ignore[arg-type]


def talk(*said: bytes) -> bytes:
    """Return what the server answers after its greeting."""
    heard = io.BytesIO()
    serve(EXPORTS, io.BytesIO(b"".join(said)), heard)
    greeting, answer = heard.getvalue()[:18], heard.getvalue()[18:]
    assert greeting == b"NBDMAGICIHAVEOPT\0\3"
    return answer


def option(number: int, data: bytes = b"") -> bytes:
    return b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data


def request(command: int, offset: int = 0, length: int = 0, flags: int = 0) -> bytes:
    return struct.pack(">IHHQQI", 0x25609513, flags, command, 99, offset, length)


BY_NAME = FLAGS + option(1, b"vol-1")
STRUCTURED = FLAGS + option(8) + option(7, struct.pack(">I", 5) + b"vol-1" + struct.pack(">H", 0))


def simple(*requests: bytes) -> bytes:
    return talk(BY_NAME, *requests)[10:]


def structured(*requests: bytes) -> bytes:
    return talk(STRUCTURED, *requests).partition(struct.pack(">QIII", 0x3E889045565A9, 7, 1, 0))[2]


def chunks(answer: bytes) -> list[tuple[int, int, bytes]]:
    """Split a structured reply into (flags, type, payload)."""
    found = []
    while answer:
        magic, flags, kind, handle, length = struct.unpack_from(">IHHQI", answer)
        assert (magic, handle) == (0x668E33EF, 99)
        found.append((flags, kind, answer[20 : 20 + length]))
        answer = answer[20 + length :]
    return found


def test_an_export_is_chosen_by_name() -> None:
    assert struct.unpack(">QH", talk(BY_NAME)) == (5 * BLOCK, 0b110000011)


def test_a_simple_read_spans_blocks_and_holes() -> None:
    answer = simple(request(0, BLOCK - 4, BLOCK + 8))
    assert answer[:16] == struct.pack(">IIQ", 0x67446698, 0, 99)
    assert answer[16:] == b"one!" + bytes(BLOCK) + b"two!"


def test_a_structured_read_sends_no_zeros() -> None:
    answer = structured(request(0, BLOCK - 4, BLOCK + 8))
    assert len(answer) < 200
    assert chunks(answer) == [
        (0, 1, struct.pack(">Q", BLOCK - 4) + b"one!"),
        (0, 2, struct.pack(">QI", BLOCK, BLOCK)),
        (1, 1, struct.pack(">Q", 2 * BLOCK) + b"two!"),
    ]


def test_what_lies_behind_the_base_is_zeros() -> None:
    assert chunks(structured(request(0, 4 * BLOCK, 512))) == [(1, 2, struct.pack(">QI", 4 * BLOCK, 512))]


def test_a_lost_block_is_an_io_error_and_the_connection_goes_on() -> None:
    simply = simple(request(0, LOST, 512), request(0, 0, 4))
    assert struct.unpack_from(">IIQ", simply) == (0x67446698, 5, 99)
    assert simply[32:] == b"one!"
    pieces = chunks(structured(request(0, LOST - 4, 8), request(0, 0, 4)))
    assert [kind for _, kind, _ in pieces] == [1, 0x8001, 1]
    assert struct.unpack(">IH", pieces[1][2]) == (5, 0)


@pytest.mark.parametrize(
    ("asked", "failure"),
    [
        (request(0, 5 * BLOCK, 1), 22),
        (request(0, 0, 0), 22),
        (request(0, 2**64 - 1, 2), 22),
        (request(1, 0, 3) + b"abc", 1),
        (request(4, 0, 512), 22),
        (request(7, 0, 512), 22),
        (request(77, 0, 512), 22),
    ],
)
def test_what_cannot_be_is_refused_and_the_connection_goes_on(asked: bytes, failure: int) -> None:
    answer = simple(asked, request(0, 0, 4))
    assert struct.unpack_from(">IIQ", answer) == (0x67446698, failure, 99)
    assert answer[-4:] == b"one!"


def test_a_read_longer_than_the_bound_is_refused() -> None:
    large = {"vol-1": Export(1 << 30, MAP, BlockCache(Blocks()))}  # type: ignore[arg-type]
    heard = io.BytesIO()
    serve(large, io.BytesIO(BY_NAME + request(0, 0, wire.LONGEST_READ + 1)), heard)
    assert struct.unpack_from(">IIQ", heard.getvalue(), 28) == (0x67446698, 75, 99)


def test_unknown_exports_and_options_are_named_so() -> None:
    go = option(7, struct.pack(">I", 3) + b"vol" + struct.pack(">H", 0))
    assert struct.unpack_from(">QIII", talk(FLAGS, go)) == (0x3E889045565A9, 7, 0x80000006, 0)
    assert struct.unpack_from(">QIII", talk(FLAGS, option(5))) == (0x3E889045565A9, 5, 0x80000001, 0)
    assert talk(FLAGS, option(1, b"vol")) == b""


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    talk(data)
    talk(FLAGS, data)
    talk(BY_NAME, data)
    talk(STRUCTURED, data)


@given(st.lists(st.tuples(st.integers(0, 6 * BLOCK), st.integers(0, 2 * BLOCK), st.booleans()), max_size=4))
@settings(max_examples=40)
def test_every_read_is_what_the_blocks_hold(asked: list[tuple[int, int, bool]]) -> None:
    contents = CONTENTS + bytes(2 * BLOCK)
    for offset, length, whole in asked:
        sound = length > 0 and offset + length <= 5 * BLOCK
        readable = sound and not (offset < LOST + BLOCK and offset + length > LOST)
        pieces = chunks(structured(request(0, offset, length, 4 if whole else 0)))
        if not readable:
            assert pieces[-1][1] == wire.Chunk.ERROR
            continue
        found = bytearray(length)
        for _, kind, payload in pieces:
            if kind == wire.Chunk.DATA:
                start = struct.unpack_from(">Q", payload)[0] - offset
                found[start : start + len(payload) - 8] = payload[8:]
        assert found == contents[offset : offset + length]


@pytest.fixture
def served(tmp_path: Path, stored: StoredDisk) -> Iterator[str]:
    """The stored disk by NBD, with a mebibyte behind its end."""
    export = Export(SIZE, stored.block_map, BlockCache(stored.store))
    with NbdServer(tmp_path / "nbd", {"vol-1": export}):
        yield f"nbd+unix:///vol-1?socket={tmp_path / 'nbd'}"


@pytest.mark.sandbox
def test_qemu_reads_the_disk_that_was_stored(served: str, stored: StoredDisk) -> None:
    subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", served, stored.path], check=True)
    io_ = ["qemu-io", "-r", "-f", "raw", "-c", f"read -P 0 {SIZE - 4096} 4096", served]
    assert b"verification failed" not in subprocess.run(io_, check=True, capture_output=True).stdout


@pytest.mark.sandbox
def test_qemu_sees_where_nothing_is(served: str) -> None:
    told = subprocess.run(["qemu-img", "map", "--output=json", "-f", "raw", served], check=True, capture_output=True)
    holes = [extent for extent in json.loads(told.stdout) if extent["zero"]]
    assert any(extent["start"] == BLOCK and extent["length"] >= 2 * BLOCK for extent in holes)


@pytest.mark.sandbox
def test_a_stranger_ends_nobody_elses_connection(served: str, stored: StoredDisk) -> None:
    import socket

    path = served.partition("socket=")[2]
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(path)
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", served, stored.path], check=True)
