"""Maps: what was put in comes out, in order, and hostile encodings are refused."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from goldsmith.blocks.block_map import BLOCK, MAX_SIZE, ZERO, BlockMap
from goldsmith.blocks.errors import BlockDamagedError, BlockError

DIGESTS = some.sampled_from([hashlib.sha256(bytes([n])).digest() for n in range(5)] + [ZERO])
BLOCKS = some.dictionaries(some.integers(0, 99), DIGESTS)


@given(BLOCKS, some.integers(0, 120))
def test_what_was_put_in_comes_out(blocks: dict[int, bytes], first: int) -> None:
    block_map = BlockMap(100 * BLOCK, blocks)
    assert dict(block_map.items()) == blocks
    assert [block_map.get(index) for index in range(100)] == [blocks.get(index) for index in range(100)]
    assert list(block_map.indexes_from(first)) == sorted(index for index in blocks if index >= first)
    assert block_map.digests() == set(blocks.values()) - {ZERO}
    assert len(block_map) == len(blocks)


@given(BLOCKS)
def test_an_encoding_is_the_map(blocks: dict[int, bytes]) -> None:
    block_map = BlockMap(100 * BLOCK - 7, blocks)
    encoded = block_map.encode()
    assert BlockMap.decode(encoded) == block_map
    assert len(encoded) <= 36 * len(blocks) + 24
    assert BlockMap(100 * BLOCK - 7, dict(reversed(blocks.items()))).encode() == encoded


@given(BLOCKS, some.dictionaries(some.integers(0, 49), some.none() | DIGESTS))
def test_changes_lie_over_what_was(blocks: dict[int, bytes], changed: dict[int, bytes | None]) -> None:
    merged = BlockMap(100 * BLOCK, blocks).merged(changed, 50 * BLOCK)
    wanted = {index: digest for index, digest in (blocks | changed).items() if digest is not None and index < 50}
    assert merged == BlockMap(50 * BLOCK, wanted)


def test_a_map_does_not_change_with_what_it_was_made_of() -> None:
    blocks = {0: ZERO}
    block_map = BlockMap(BLOCK, blocks)
    blocks.clear()
    assert block_map.get(0) == ZERO
    assert block_map.merged({0: None}) == BlockMap(BLOCK, {})
    assert block_map.get(0) == ZERO


@pytest.mark.parametrize(
    ("size", "blocks", "said"),
    [
        (BLOCK, {1: ZERO}, "has no block 1"),
        (BLOCK, {-1: ZERO}, "has no block -1"),
        (BLOCK, {0: b"short"}, "not a SHA-256"),
        (-1, {}, "cannot be"),
        (MAX_SIZE + 1, {}, "cannot be"),
    ],
)
def test_what_no_disk_can_be_is_refused(size: int, blocks: dict[int, bytes], said: str) -> None:
    with pytest.raises(BlockError, match=said):
        BlockMap(size, blocks)


def test_the_last_block_may_be_cut() -> None:
    assert BlockMap(BLOCK + 1, {1: ZERO}).get(1) == ZERO


HEADER = struct.Struct("<7sBQQ")
TWO = BlockMap(2 * BLOCK, {0: ZERO, 1: ZERO}).encode()


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (b"", "within its header"),
        (b"X" + TWO[1:], "begins with"),
        (TWO[:-1], "length"),
        (TWO + b"\0", "length"),
        (HEADER.pack(b"GSBMAP\0", 1, 2 * BLOCK, 1 << 60), "length"),
        (HEADER.pack(b"GSBMAP\0", 1, MAX_SIZE + 1, 0), "length"),
        (HEADER.pack(b"GSBMAP\0", 1, BLOCK, 2) + TWO[24:], "behind the disk's end"),
        (TWO[:24] + TWO[28:32] + TWO[24:28] + TWO[32:], "out of order"),
        (TWO[:24] + TWO[24:28] * 2 + TWO[32:], "out of order"),
    ],
)
def test_what_encodes_no_map_is_refused(encoded: bytes, said: str) -> None:
    with pytest.raises(BlockDamagedError, match=said):
        BlockMap.decode(encoded)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(BlockError, match="Upgrade"):
        BlockMap.decode(HEADER.pack(b"GSBMAP\0", 2, 0, 0))


@given(
    some.binary()
    | some.builds(
        lambda at, byte: TWO[:at] + byte + TWO[at + 1 :], some.integers(0, 95), some.binary(min_size=1, max_size=1)
    )
)
@example(TWO)
def test_any_bytes_are_a_map_or_a_told_fault(encoded: bytes) -> None:
    with suppress(BlockError):
        assert BlockMap.decode(encoded).encode() == encoded
