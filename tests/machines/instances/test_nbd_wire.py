from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.machines.instances import nbd_wire as wire


def test_a_request_is_read_as_the_protocol_says() -> None:
    header = struct.pack(">IHHQQI", 0x25609513, 4, 0, 77, 4096, 512)
    assert wire.parse_request(header) == wire.Request(4, 0, 77, 4096, 512)


@given(st.binary(min_size=28, max_size=28))
def test_what_is_no_request_is_a_protocol_error(header: bytes) -> None:
    if not header.startswith(b"\x25\x60\x95\x13"):
        with pytest.raises(wire.ProtocolError):
            wire.parse_request(header)


@given(st.integers(0, 2**32 - 1), st.integers(wire.LONGEST_OPTION + 1, 2**32 - 1))
def test_an_option_too_long_to_answer_is_a_protocol_error(number: int, length: int) -> None:
    with pytest.raises(wire.ProtocolError):
        wire.parse_option(b"IHAVEOPT" + struct.pack(">II", number, length))


@given(st.binary(max_size=40), st.lists(st.integers(0, 65535), max_size=5))
def test_what_an_export_is_asked_for_survives_the_wire(name: bytes, infos: list[int]) -> None:
    data = struct.pack(">I", len(name)) + name + struct.pack(f">H{len(infos)}H", len(infos), *infos)
    assert wire.parse_wanted(data) == wire.Wanted(name, tuple(infos))
    assert wire.parse_wanted(data + b"\0") is None
    assert wire.parse_wanted(data[:-1]) is None


@given(st.binary(max_size=20), st.lists(st.binary(max_size=20), max_size=4))
def test_contexts_survive_the_wire(name: bytes, queries: list[bytes]) -> None:
    data = struct.pack(">I", len(name)) + name + struct.pack(">I", len(queries))
    data += b"".join(struct.pack(">I", len(query)) + query for query in queries)
    assert wire.parse_contexts(data) == (name, tuple(queries))
    assert wire.parse_contexts(data[:-1]) is None
    assert wire.parse_contexts(data + b"\0") is None


@given(st.binary(max_size=60))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    wire.parse_wanted(data)
    wire.parse_contexts(data)
