"""Serves volumes' bases to QEMU: the NBD protocol, read-only, on a Unix socket that only its owner reaches."""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances import nbd_wire as wire
from goldsmith.machines.instances.nbd_wire import Command, Failure, Option, ProtocolError, Reply, Transmission
from goldsmith.machines.unix_server import UnixServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from io import BufferedIOBase
    from pathlib import Path

    from goldsmith.machines.instances.exports import Export

LOG = logging.getLogger(__name__)

FLAGS = Transmission.HAS_FLAGS | Transmission.READ_ONLY | Transmission.SEND_DF | Transmission.CAN_MULTI_CONN
LISTED_EXTENTS = 1024
MINIMUM, PREFERRED = 1, 4096


class NbdServer(UnixServer):
    """Serves ``exports`` by their names on the Unix socket ``path`` while the with block lasts.

    Exports may come and go while serving.
    """

    def __init__(self, path: Path, exports: Mapping[str, Export]) -> None:
        self._exports = exports
        super().__init__(path, self._converse, "volumes' bases")

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as source, connection.makefile("wb") as sink:
            serve(self._exports, source, sink)


def serve(exports: Mapping[str, Export], source: BufferedIOBase, sink: BufferedIOBase) -> None:
    """Serve one client that speaks on ``source`` and listens on ``sink``, until it leaves or breaks the protocol."""
    try:
        session = _Handshake(exports, source, sink).run()
        if session:
            session.run()
    except (ProtocolError, EOFError, BrokenPipeError, ConnectionResetError):
        return


def _exactly(source: BufferedIOBase, count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError
    return data


class _Handshake:
    """What is said before an export is read: which, and how replies look."""

    def __init__(self, exports: Mapping[str, Export], source: BufferedIOBase, sink: BufferedIOBase) -> None:
        self._exports = exports
        self._source = source
        self._sink = sink
        self._zeros = True
        self._structured = False
        self._statuses: bytes | None = None

    def run(self) -> _Session | None:
        """Answer options until one chooses an export; None when the client leaves before that."""
        self._sink.write(wire.GREETING)
        self._sink.flush()
        (flags,) = struct.unpack(">I", _exactly(self._source, 4))
        if flags & ~wire.CLIENT_FLAGS:
            raise ProtocolError(f"client flags {flags:#x}")
        self._zeros = not flags & wire.NO_ZEROES
        while True:
            asked = wire.parse_option(_exactly(self._source, wire.OPTION_BYTES))
            data = _exactly(self._source, asked.length)
            if asked.number == Option.ABORT:
                self._reply(asked.number, Reply.ACK)
                return None
            chosen = self._answer(asked.number, data)
            if chosen:
                name, export = chosen
                statuses = self._structured and self._statuses == name
                return _Session(export, self._source, self._sink, structured=self._structured, statuses=statuses)

    def _answer(self, option: int, data: bytes) -> tuple[bytes, Export] | None:
        match option:
            case Option.EXPORT_NAME:
                return self._by_name(data)
            case Option.INFO | Option.GO:
                found = self._describe(option, data)
                return found if option == Option.GO else None
            case Option.LIST:
                self._list(data)
            case Option.STRUCTURED_REPLY:
                self._structured = self._structured or not data
                self._reply(option, Reply.ERR_INVALID if data else Reply.ACK)
            case Option.LIST_META_CONTEXT | Option.SET_META_CONTEXT:
                self._contexts(option, data)
            case _:
                self._reply(option, Reply.ERR_UNSUPPORTED)
        return None

    def _find(self, name: bytes) -> Export | None:
        return self._exports.get(name.decode("ascii", errors="replace"))

    def _by_name(self, name: bytes) -> tuple[bytes, Export]:
        export = self._find(name)
        if export is None:
            raise ProtocolError(f"no export {name!r}")
        self._sink.write(wire.export_by_name(export.size, FLAGS, zeros=self._zeros))
        self._sink.flush()
        return name, export

    def _describe(self, option: int, data: bytes) -> tuple[bytes, Export] | None:
        wanted = wire.parse_wanted(data)
        if wanted is None:
            self._reply(option, Reply.ERR_INVALID)
            return None
        export = self._find(wanted.name)
        if export is None:
            self._reply(option, Reply.ERR_UNKNOWN)
            return None
        self._reply(option, Reply.INFO, wire.export_info(export.size, FLAGS), flush=False)
        self._reply(option, Reply.INFO, wire.size_info(MINIMUM, PREFERRED), flush=False)
        self._reply(option, Reply.ACK)
        return wanted.name, export

    def _list(self, data: bytes) -> None:
        if data:
            self._reply(Option.LIST, Reply.ERR_INVALID)
            return
        for name in list(self._exports):
            named = name.encode()
            self._reply(Option.LIST, Reply.SERVER, struct.pack(">I", len(named)) + named, flush=False)
        self._reply(Option.LIST, Reply.ACK)

    def _contexts(self, option: int, data: bytes) -> None:
        """Offer the one context there is, which of its blocks are zeros."""
        asked = wire.parse_contexts(data)
        if asked is None or not self._structured:
            self._reply(option, Reply.ERR_INVALID)
            return
        name, queries = asked
        if self._find(name) is None:
            self._reply(option, Reply.ERR_UNKNOWN)
            return
        setting = option == Option.SET_META_CONTEXT
        matches = wire.CONTEXT in queries or (not setting and (not queries or b"base:" in queries))
        if setting:
            self._statuses = name if matches else None
        if matches:
            number = wire.CONTEXT_ID if setting else 0
            self._reply(option, Reply.META_CONTEXT, struct.pack(">I", number) + wire.CONTEXT, flush=False)
        self._reply(option, Reply.ACK)

    def _reply(self, option: int, kind: Reply, data: bytes = b"", *, flush: bool = True) -> None:
        self._sink.write(wire.option_reply(option, kind, data))
        if flush:
            self._sink.flush()


class _Session:
    """The reading of one export."""

    def __init__(
        self, export: Export, source: BufferedIOBase, sink: BufferedIOBase, *, structured: bool, statuses: bool
    ) -> None:
        self._export = export
        self._source = source
        self._sink = sink
        self._structured = structured
        self._statuses = statuses

    def run(self) -> None:
        """Answer requests until the client leaves."""
        while True:
            request = wire.parse_request(_exactly(self._source, wire.REQUEST_BYTES))
            if request.command == Command.DISCONNECT:
                return
            if request.command == Command.WRITE:
                self._swallow(request.length)
            failure = self._refusal(request)
            if failure:
                self._refuse(request, failure)
            elif request.command == Command.BLOCK_STATUS:
                self._tell_extents(request)
            elif self._structured and not request.flags & wire.DO_NOT_FRAGMENT:
                self._read_in_pieces(request)
            else:
                self._read_whole(request)
            self._sink.flush()

    def _swallow(self, length: int) -> None:
        """Read past data that cannot be written."""
        if length > wire.LONGEST_READ:
            raise ProtocolError(f"a write of {length} bytes")
        _exactly(self._source, length)

    def _refusal(self, request: wire.Request) -> Failure | None:
        """Return why a request cannot be answered, None when it can."""
        if request.command == Command.WRITE:
            return Failure.NOT_PERMITTED
        if request.command not in {Command.READ, Command.BLOCK_STATUS}:
            return Failure.INVALID
        if request.command == Command.BLOCK_STATUS and not self._statuses:
            return Failure.INVALID
        if request.length == 0 or request.offset + request.length > self._export.size:
            return Failure.INVALID
        if request.command == Command.READ and request.length > wire.LONGEST_READ:
            return Failure.OVERFLOW
        return None

    def _refuse(self, request: wire.Request, failure: Failure) -> None:
        structured = self._structured and request.command in {Command.READ, Command.BLOCK_STATUS}
        answer = wire.error_chunk if structured else wire.simple_reply
        self._sink.write(answer(request.handle, failure))

    def _tell_extents(self, request: wire.Request) -> None:
        told: list[tuple[int, bool]] = []
        for _, length, digest in self._export.extents(request.offset, request.length):
            zeros = digest is None
            if told and told[-1][1] == zeros:
                told[-1] = (told[-1][0] + length, zeros)
            elif len(told) == (1 if request.flags & wire.ONE_EXTENT else LISTED_EXTENTS):
                break
            else:
                told.append((length, zeros))
        self._sink.write(wire.status_chunk(request.handle, told))

    def _read_in_pieces(self, request: wire.Request) -> None:
        end = request.offset + request.length
        try:
            for offset, length, data in self._export.read(request.offset, request.length):
                done = offset + length == end
                if data is None:
                    self._sink.write(wire.hole_chunk(request.handle, offset, length, done=done))
                else:
                    self._sink.write(wire.data_chunk(request.handle, offset, length, done=done))
                    self._sink.write(data)
        except GoldsmithError as lost:
            _tell(lost)
            self._sink.write(wire.error_chunk(request.handle, Failure.IO))

    def _read_whole(self, request: wire.Request) -> None:
        try:
            pieces = list(self._export.read(request.offset, request.length))
        except GoldsmithError as lost:
            _tell(lost)
            self._refuse(request, Failure.IO)
            return
        head = (
            wire.data_chunk(request.handle, request.offset, request.length, done=True)
            if self._structured
            else wire.simple_reply(request.handle)
        )
        self._sink.write(head)
        for _, length, data in pieces:
            self._sink.write(bytes(length) if data is None else data)


def _tell(lost: GoldsmithError) -> None:
    LOG.error("A block of a volume's base cannot be read: %s", lost)
