"""What is published is the disk: its blocks are those of the file and of the store, and zeros are none."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.blocks.block_map import BLOCK
from goldsmith.publish.source import FileBlocks


@given(
    blocks=st.dictionaries(st.integers(0, 12), st.sampled_from([b"\0", b"a", b"b"]), max_size=6), rest=st.integers(0, 3)
)
@settings(max_examples=40, deadline=None)
def test_a_file_has_the_blocks_that_are_not_zeros(tmp_path_factory, blocks, rest):
    raw = tmp_path_factory.mktemp("disk") / "disk.raw"
    size = 13 * BLOCK + rest * 4096
    with raw.open("wb") as file:
        file.truncate(size)
        for index, fill in blocks.items():
            file.seek(index * BLOCK)
            file.write(fill * BLOCK)
    with FileBlocks.opened(raw) as opened:
        expected = {index: fill * BLOCK for index, fill in blocks.items() if fill != b"\0"}
        assert dict(opened.map.items()) == {i: hashlib.sha256(b).digest() for i, b in expected.items()}
        assert opened.map.size == size
        assert all(opened.read(index) == expected.get(index, bytes(BLOCK)) for index in range(14))
