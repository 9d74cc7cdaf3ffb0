"""Frames: a block survives, and nothing else gets out of one."""

from __future__ import annotations

import hashlib
import os

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as some

from goldsmith.blocks.block_map import BLOCK
from goldsmith.blocks.errors import BlockDamagedError
from goldsmith.blocks.frames import MAX_FRAME, pack, unpack

NOISE = os.urandom(BLOCK)
DIGEST = hashlib.sha256(NOISE).digest()


@pytest.mark.parametrize("block", [NOISE, bytes(BLOCK), b"text " * (BLOCK // 5) + b"..."])
def test_a_block_survives(block: bytes) -> None:
    block = block.ljust(BLOCK, b"\0")
    frame = pack(memoryview(block))
    assert len(frame) <= MAX_FRAME
    assert unpack(frame, hashlib.sha256(block).digest(), "here") == block


def frame_of(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (b"", "not enough"),
        (b"not zstd at all", "frame descriptor"),
        (frame_of(NOISE)[:-1], "decompression error"),
        (frame_of(NOISE) + frame_of(b"more"), "does not hold|extra|unused"),
        (frame_of(NOISE[:-1]), "does not hold"),
        (frame_of(bytes(1 << 30)), "does not hold"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 24)), "does not hold"),
        (NOISE + NOISE, "does not hold"),
        (frame_of(bytes(BLOCK)), "SHA-256 is another"),
    ],
    ids=["empty", "text", "cut", "two", "short", "bomb", "bomb of no size", "long", "another"],
)
def test_anything_else_is_damaged(frame: bytes, said: str) -> None:
    with pytest.raises(BlockDamagedError, match=said) as told:
        unpack(frame, DIGEST, "file:///store")
    assert DIGEST.hex() in told.value.message
    assert "file:///store" in told.value.message
    assert "goldsmith storage check" in told.value.mend


def test_a_frame_that_lies_about_its_size_is_cut_there() -> None:
    bomb = bytearray(frame_of(bytes(1 << 24)))
    assert bomb[4] & 0xC0 == 0x80  # a content size of four bytes (RFC 8878, 3.1.1.1.1)
    at = 5 if bomb[4] & 0x20 else 6
    bomb[at : at + 4] = BLOCK.to_bytes(4, "little")
    with pytest.raises(BlockDamagedError):
        unpack(bytes(bomb), DIGEST, "here")


@settings(max_examples=50)
@given(some.binary(max_size=200))
def test_any_bytes_are_damaged(frame: bytes) -> None:
    with pytest.raises(BlockDamagedError):
        unpack(frame, DIGEST, "here")
