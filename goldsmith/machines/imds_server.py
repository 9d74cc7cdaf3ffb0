"""The instance metadata service of one machine, on a Unix socket that only its QEMU's owner can reach."""

from __future__ import annotations

import secrets
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Self

from goldsmith.machines.imds import Request, answer

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from goldsmith.machines.metadata import InstanceMetadata

SLOWEST = 60
"""Seconds that a guest may leave a connection idle."""


class MetadataServer:
    """Serves ``instance`` on the Unix socket ``path`` while the with block lasts.

    ``instance`` may be replaced while serving. The folder of the socket is what keeps others out: it must
    have mode 0700.
    """

    def __init__(self, path: Path, instance: InstanceMetadata) -> None:
        self.instance = instance
        self.secret = secrets.token_bytes(32)
        self._server = _Server(str(path), _Handler)
        self._server.metadata = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="instance metadata")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    metadata: MetadataServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave a guest that went away alone; it asks again if it cares."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    timeout = SLOWEST
    server: _Server

    def handle_any(self) -> None:
        """Answer whatever the method."""
        service = self.server.metadata
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        response = answer(request, service.instance, secret=service.secret, now=time.time())
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
