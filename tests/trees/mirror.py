"""A package archive on a loopback port."""

from __future__ import annotations

import hashlib
import lzma
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from goldsmith.trees.distributions import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = "dists/{suite}/main/binary-amd64"


class Mirror(ThreadingHTTPServer):
    """An archive on a loopback port whose suites a test publishes; it counts what is asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.uri = f"http://127.0.0.1:{self.server_port}/debian"

    def publish(self, suite: str, text: str, *, content: bytes | None = None) -> None:
        packed = lzma.compress(text.encode()) if content is None else content
        digest = hashlib.sha256(packed).hexdigest()
        self.files[f"/debian/{INDEX.format(suite=suite)}/by-hash/SHA256/{digest}"] = packed
        rows = f" {'0' * 64} 1 main/Contents.gz\n {digest} {len(packed)} main/binary-amd64/Packages.xz\n"
        release = f"Date: Sat, 01 Aug 2026 10:00:00 UTC\nMD5Sum:\n x 1 y\nSHA256:\n{rows}\nText: {digest}\n"
        self.files[f"/debian/dists/{suite}/InRelease"] = release.encode()

    def archive(self, suite: str) -> Archive:
        return Archive(self.uri, suite)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked[self.path] += 1
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        pass


@contextmanager
def serve_mirror() -> Iterator[Mirror]:
    """Serve an empty archive."""
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def packages(**versions: str) -> str:
    return "\n".join(
        f"Package: {name}\nArchitecture: amd64\nVersion: {version}\n" for name, version in versions.items()
    )
