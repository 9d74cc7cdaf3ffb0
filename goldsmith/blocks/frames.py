"""A block as it is stored: one zstd frame, never trusted when it is read.

Format: RFC 8878. Level 1: on a Debian image of 593 MB in blocks it takes 1.0 s of one core and leaves 187 MB; level 3
takes 1.8 s for 175 MB, level 9 takes 5.9 s for 167 MB.
"""

from __future__ import annotations

import hashlib
import threading

import zstandard

from goldsmith.blocks.block_map import BLOCK
from goldsmith.blocks.errors import BlockDamagedError

LEVEL = 1
MAX_FRAME = BLOCK + (BLOCK >> 8) + 64
"""No frame of a block is longer (zstd.h, ZSTD_COMPRESSBOUND)."""


class _Codecs(threading.local):
    """Each thread's own, as they may not be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()


def pack(block: bytes | bytearray | memoryview) -> bytes:
    """Return the frame of a block."""
    return _codecs.compressor.compress(block)


def unpack(frame: bytes, digest: bytes, where: str) -> bytes:
    """Return the block in ``frame``, whose SHA-256 is ``digest``; ``where`` is told in the `BlockDamagedError` else.

    No more than a block is ever decompressed, whatever the frame claims.
    """
    try:
        if len(frame) > MAX_FRAME or zstandard.get_frame_parameters(frame).content_size != BLOCK:
            raise _damaged(digest, where, "it does not hold a block's 524288 bytes")
        block = _codecs.decompressor.decompress(frame, max_output_size=BLOCK, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _damaged(digest, where, str(error)) from error
    if hashlib.sha256(block).digest() != digest:
        raise _damaged(digest, where, "its SHA-256 is another")
    return block


def _damaged(digest: bytes, where: str, why: str) -> BlockDamagedError:
    return BlockDamagedError(
        f"Block {digest.hex()} in {where} is damaged: {why}.",
        mend="`goldsmith storage check` tells which snapshots it hits, and mends it from another store with --repair.",
    )
