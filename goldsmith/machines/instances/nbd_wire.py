"""The Network Block Device protocol's bytes: fixed newstyle handshake, read-only transmission, structured replies.

Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

MAGIC = b"NBDMAGIC"
OPTION_MAGIC = b"IHAVEOPT"
REPLY_MAGIC = 0x0003E889045565A9
REQUEST_MAGIC = 0x25609513
SIMPLE_MAGIC = 0x67446698
CHUNK_MAGIC = 0x668E33EF

LONGEST_OPTION = 4096 + 1024
"""Bytes of an option's data: a name has at most 4096, and little is beside it."""

LONGEST_READ = 32 << 20
"""Bytes of one request, the protocol's own default."""

GREETING = MAGIC + OPTION_MAGIC + struct.pack(">H", 0b11)
"""Fixed newstyle, and no 124 zeros after an export's size to a client that does not want them."""

CLIENT_FLAGS = 0b11
NO_ZEROES = 0b10
CONTEXT = b"base:allocation"
CONTEXT_ID = 1

_OPTION = struct.Struct(">8sII")
_OPTION_REPLY = struct.Struct(">QIII")
_REQUEST = struct.Struct(">IHHQQI")
_SIMPLE = struct.Struct(">IIQ")
_CHUNK = struct.Struct(">IHHQI")

OPTION_BYTES = _OPTION.size
REQUEST_BYTES = _REQUEST.size


class ProtocolError(Exception):
    """A client said what the protocol does not allow: its connection ends."""


class Option(IntEnum):
    """What a client may ask for before it reads."""

    EXPORT_NAME = 1
    ABORT = 2
    LIST = 3
    INFO = 6
    GO = 7
    STRUCTURED_REPLY = 8
    LIST_META_CONTEXT = 9
    SET_META_CONTEXT = 10


class Reply(IntEnum):
    """How an option is answered."""

    ACK = 1
    SERVER = 2
    INFO = 3
    META_CONTEXT = 4
    ERR_UNSUPPORTED = 0x80000001
    ERR_INVALID = 0x80000003
    ERR_UNKNOWN = 0x80000006
    ERR_TOO_BIG = 0x80000009


class Command(IntEnum):
    """What a client asks an export for."""

    READ = 0
    WRITE = 1
    DISCONNECT = 2
    BLOCK_STATUS = 7


class Chunk(IntEnum):
    """The kinds of a structured reply's pieces."""

    NONE = 0
    DATA = 1
    HOLE = 2
    STATUS = 5
    ERROR = 0x8001


class Transmission(IntFlag):
    """What an export can do."""

    HAS_FLAGS = 1
    READ_ONLY = 2
    SEND_DF = 128
    CAN_MULTI_CONN = 256


class Failure(IntEnum):
    """The protocol's error numbers."""

    NOT_PERMITTED = 1
    IO = 5
    INVALID = 22
    OVERFLOW = 75


DO_NOT_FRAGMENT = 1 << 2
ONE_EXTENT = 1 << 3
CHUNK_DONE = 1
HOLE_OF_ZEROS = 0b11


@dataclass(frozen=True)
class Asked:
    """An option's number, which may be unknown, and how many bytes of data follow."""

    number: int
    length: int


@dataclass(frozen=True)
class Request:
    """A request in transmission; ``command`` may be unknown."""

    flags: int
    command: int
    handle: int
    offset: int
    length: int


@dataclass(frozen=True)
class Wanted:
    """What INFO or GO ask: an export's name, and which facts beside its size."""

    name: bytes
    infos: tuple[int, ...]


def parse_option(header: bytes) -> Asked:
    """Read an option's header; ProtocolError for a stranger's or one that is too long to answer."""
    magic, number, length = _OPTION.unpack(header)
    if magic != OPTION_MAGIC:
        raise ProtocolError("an option does not begin as one")
    if length > LONGEST_OPTION:
        raise ProtocolError(f"an option of {length} bytes")
    return Asked(number, length)


def parse_wanted(data: bytes) -> Wanted | None:
    """Read the data of INFO or GO, None when it is not well formed."""
    if len(data) < 6:  # noqa: PLR2004 - a length of four bytes and a count of two
        return None
    (length,) = struct.unpack_from(">I", data)
    if len(data) < 4 + length + 2:
        return None
    (count,) = struct.unpack_from(">H", data, 4 + length)
    if len(data) != 4 + length + 2 + 2 * count:
        return None
    return Wanted(data[4 : 4 + length], struct.unpack_from(f">{count}H", data, 4 + length + 2))


def parse_contexts(data: bytes) -> tuple[bytes, tuple[bytes, ...]] | None:
    """Read the data of LIST_META_CONTEXT or SET_META_CONTEXT: a name and queries; None when not well formed."""
    texts: list[bytes] = []
    place, count = 0, 0
    while True:
        if place + 4 > len(data):
            return None
        (length,) = struct.unpack_from(">I", data, place)
        if place + 4 + length > len(data):
            return None
        texts.append(data[place + 4 : place + 4 + length])
        place += 4 + length
        if len(texts) == 1:
            if place + 4 > len(data):
                return None
            (count,) = struct.unpack_from(">I", data, place)
            place += 4
        if len(texts) > count:
            return (texts[0], tuple(texts[1:])) if place == len(data) else None


def parse_request(header: bytes) -> Request:
    """Read a request; ProtocolError for what is none."""
    magic, flags, command, handle, offset, length = _REQUEST.unpack(header)
    if magic != REQUEST_MAGIC:
        raise ProtocolError("a request does not begin as one")
    return Request(flags, command, handle, offset, length)


def option_reply(option: int, kind: Reply, data: bytes = b"") -> bytes:
    """Return the answer to an option."""
    return _OPTION_REPLY.pack(REPLY_MAGIC, option, kind, len(data)) + data


def export_info(size: int, flags: Transmission) -> bytes:
    """Return the fact of an export's size and flags, as INFO and GO answer it."""
    return struct.pack(">HQH", 0, size, flags)


def size_info(minimum: int, preferred: int) -> bytes:
    """Return the fact of which reads an export likes."""
    return struct.pack(">HIII", 3, minimum, preferred, LONGEST_READ)


def export_by_name(size: int, flags: Transmission, *, zeros: bool) -> bytes:
    """Return the answer to EXPORT_NAME, which has no header of its own."""
    return struct.pack(">QH", size, flags) + (bytes(124) if zeros else b"")


def simple_reply(handle: int, failure: int = 0) -> bytes:
    """Return the header of a simple reply; a read's data follows it."""
    return _SIMPLE.pack(SIMPLE_MAGIC, failure, handle)


def data_chunk(handle: int, offset: int, length: int, *, done: bool) -> bytes:
    """Return the header of a piece of data, whose ``length`` bytes follow."""
    head = _CHUNK.pack(CHUNK_MAGIC, CHUNK_DONE if done else 0, Chunk.DATA, handle, 8 + length)
    return head + struct.pack(">Q", offset)


def hole_chunk(handle: int, offset: int, length: int, *, done: bool) -> bytes:
    """Return a piece of ``length`` zeros."""
    head = _CHUNK.pack(CHUNK_MAGIC, CHUNK_DONE if done else 0, Chunk.HOLE, handle, 12)
    return head + struct.pack(">QI", offset, length)


def status_chunk(handle: int, extents: list[tuple[int, bool]]) -> bytes:
    """Return which (length, zeros) follow one another, in the only context there is."""
    body = b"".join(struct.pack(">II", length, HOLE_OF_ZEROS if zeros else 0) for length, zeros in extents)
    head = _CHUNK.pack(CHUNK_MAGIC, CHUNK_DONE, Chunk.STATUS, handle, 4 + len(body))
    return head + struct.pack(">I", CONTEXT_ID) + body


def error_chunk(handle: int, failure: Failure) -> bytes:
    """Return the end of a structured reply that failed."""
    return _CHUNK.pack(CHUNK_MAGIC, CHUNK_DONE, Chunk.ERROR, handle, 6) + struct.pack(">IH", failure, 0)
