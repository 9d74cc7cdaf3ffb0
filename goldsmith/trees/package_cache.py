"""A proxy for the package archives that keeps what never changes, so that no package is fetched twice."""

from __future__ import annotations

import hashlib
import http
import os
import shutil
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from urllib3 import BaseHTTPResponse, PoolManager

    from goldsmith.trees.distributions import Archive

TIMEOUT_SECONDS = 60
CHUNK = 1 << 18

LEFT_FREE = 32 << 20
"""Bytes of disk that the cache leaves to others."""

PASSED_ON = ("If-Modified-Since", "If-None-Match", "Range", "If-Range", "Cache-Control")
GIVEN_BACK = ("Content-Length", "Content-Type", "Content-Range", "Last-Modified", "ETag", "Accept-Ranges")


_INDEXES = 'Acquire::CompressionTypes::Order:: "gz";\n'
"""Indexes are a third larger with gzip than with xz, and apt has them read a second sooner, each time."""


TRIES = urllib3.Retry(connect=2, read=0, redirect=5, status=0, other=0)


class PackageCache:
    """An HTTP proxy on a loopback port for the hosts of the given archives and nothing else.

    Packages and by-hash indexes are kept in ``folder``; whoever installs them checks their hashes, so that the
    cache is never trusted. Everything else is asked for anew.
    """

    def __init__(self, folder: Path, archives: Iterable[Archive]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        hosts = {urlsplit(archive.uri) for archive in archives if archive.uri.startswith("http://")}
        self._names = sorted({host.hostname for host in hosts if host.hostname})
        prefixes = tuple(sorted({f"http://{host.netloc}/" for host in hosts}))
        self._pools = {host.netloc: _pool(host.hostname or "") for host in hosts}
        handler = type("Handler", (_Handler,), {"folder": folder, "prefixes": prefixes, "pools": self._pools})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def apt_conf(self) -> str:
        """The apt configuration that sends apt here for these hosts; others it asks itself."""
        here = f"http://127.0.0.1:{self._server.server_port}"
        return "".join(f'Acquire::http::Proxy::{name} "{here}";\n' for name in self._names) + _INDEXES

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for pool in self._pools.values():
            pool.clear()


def _pool(host: str) -> PoolManager:
    """Return connections that are kept: looking up the host's name for each package can cost seconds."""
    proxy = getproxies().get("http")
    return urllib3.ProxyManager(proxy) if proxy and not proxy_bypass(host) else urllib3.PoolManager()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    prefixes: tuple[str, ...]
    pools: dict[str, PoolManager]
    _answered = False

    def do_GET(self) -> None:
        if not self.path.startswith(self.prefixes) or "/../" in self.path:
            self.send_error(403, "Only the recipe's package archives are served here")
            return
        kept = self.folder / f"{hashlib.sha256(self.path.encode()).hexdigest()[:40]}" if _is_fixed(self.path) else None
        self._answered = False
        try:
            if kept and kept.is_file():
                self._serve(kept)
            else:
                self._fetch(kept)
        except (OSError, urllib3.exceptions.HTTPError) as lost:
            if not self._answered:
                self.send_error(502, f"The archive cannot be reached: {getattr(lost, 'reason', lost)}")
            self.close_connection = True

    def _serve(self, kept: Path) -> None:
        os.utime(kept)
        with kept.open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Length", str(kept.stat().st_size))
            self.end_headers()
            self._answered = True
            shutil.copyfileobj(file, self.wfile, CHUNK)

    def _fetch(self, kept: Path | None) -> None:
        asked = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        pool = self.pools[urlsplit(self.path).netloc]
        answer = pool.request(
            "GET", self.path, headers=asked, preload_content=False, decode_content=False, retries=TRIES,
            timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        try:
            self.send_response(answer.status)
            for name in GIVEN_BACK:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            length = answer.headers.get("Content-Length")
            if length is None:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self._answered = True
            whole = answer.status == http.HTTPStatus.OK and length is not None
            self._copy(answer, kept if whole and self._fits(int(length or 0)) else None, length)
            answer.release_conn()
        except BaseException:
            answer.close()
            raise

    def _fits(self, length: int) -> bool:
        """Whether the disk has room to keep it; a full disk costs the next build a fetch, not this one its end."""
        return shutil.disk_usage(self.folder).free > length + LEFT_FREE

    def _copy(self, answer: BaseHTTPResponse, kept: Path | None, length: str | None) -> None:
        """Pass the body on while keeping it; a body that was cut short is not kept."""
        if kept is None or length is None:
            shutil.copyfileobj(answer, self.wfile, CHUNK)
            return
        arriving = kept.with_name(f".{uuid.uuid4().hex}")
        try:
            with arriving.open("wb") as file:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    self.wfile.write(chunk)
                complete = file.tell() == int(length)
            if complete:
                arriving.replace(kept)
        finally:
            arriving.unlink(missing_ok=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: apt's own words are in the step's log."""


def _is_fixed(uri: str) -> bool:
    """Whether what is behind an address can never change: a package of a version, or an index by its hash."""
    return uri.endswith(".deb") or "/by-hash/" in uri
