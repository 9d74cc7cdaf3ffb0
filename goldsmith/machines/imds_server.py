"""The instance metadata service of one machine, on a Unix socket that only its QEMU's owner can reach."""

from __future__ import annotations

import secrets
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from goldsmith.machines.imds import Request, answer
from goldsmith.machines.unix_server import UnixServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.machines.metadata import InstanceMetadata

SLOWEST = 60
"""Seconds that a guest may leave a connection idle."""


class MetadataServer(UnixServer):
    """Serves an instance's metadata on the Unix socket ``path`` while the with block lasts.

    Each request is answered from what ``instance`` returns then.
    """

    def __init__(self, path: Path, instance: Callable[[], InstanceMetadata]) -> None:
        self.instance = instance
        self.secret = secrets.token_bytes(32)
        super().__init__(path, self._converse, "instance metadata")

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(SLOWEST)
        _Handler(connection, "guest", self)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    server: MetadataServer  # type: ignore[assignment]  # the base class only keeps it

    def __init__(self, connection: socket.socket, client: str, service: MetadataServer) -> None:
        super().__init__(connection, client, service)  # type: ignore[arg-type]

    def handle_any(self) -> None:
        """Answer whatever the method."""
        service = self.server
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        response = answer(request, service.instance(), secret=service.secret, now=time.time())
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if request.method not in {"GET", "HEAD"} and request.headers.get("content-length", "0") != "0":
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if request.method != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = handle_any  # noqa: N815 - http.server's names

    def address_string(self) -> str:
        """Name the caller; a Unix socket has no address."""
        return "guest"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing: the console is the evidence."""
