from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from goldsmith.trees.archives import ArchiveError, archive_states
from goldsmith.trees.distributions import Archive
from goldsmith.trees.package_cache import PackageCache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Upstream(ThreadingHTTPServer):
    """An archive whose answers a test sets, and which counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.codes: list[int] = []
        self.cut = 0

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/debian"


class _Answers(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        tag = f'"{hash(content)}"'
        code = 404 if content is None else 304 if self.headers["If-None-Match"] == tag else 200
        self.server.codes.append(code)
        self.send_response(code)
        if code == 200 and content is not None:
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if code == 200 and content is not None:
            self.wfile.write(content[: len(content) - self.server.cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(cache: PackageCache, uri: str) -> tuple[int, bytes]:
    proxy = cache.apt_conf.split('"')[1]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    try:
        with opener.open(uri, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@pytest.mark.parametrize("path", ["pool/a_1.deb", "dists/x/main/by-hash/SHA256/00"])
def test_what_never_changes_is_fetched_once(upstream: Upstream, tmp_path: Path, path: str) -> None:
    upstream.files[f"/debian/{path}"] = b"package" * 100_000
    for _ in range(2):
        with PackageCache(tmp_path, [Archive(upstream.uri, "x")]) as cache:
            assert get(cache, f"{upstream.uri}/{path}") == (200, b"package" * 100_000)
    assert len(upstream.asked) == 1


def test_an_index_is_asked_for_anew(upstream: Upstream, tmp_path: Path) -> None:
    with PackageCache(tmp_path, [Archive(upstream.uri, "x")]) as cache:
        for content in (b"one", b"two"):
            upstream.files["/debian/dists/x/InRelease"] = content
            assert get(cache, f"{upstream.uri}/dists/x/InRelease") == (200, content)
    assert not list(tmp_path.iterdir())


def test_a_body_that_was_cut_short_is_not_kept(upstream: Upstream, tmp_path: Path) -> None:
    upstream.files["/debian/a.deb"] = b"x" * 1000
    upstream.cut = 10
    with PackageCache(tmp_path, [Archive(upstream.uri, "x")]) as cache:
        with pytest.raises(http.client.IncompleteRead):
            get(cache, f"{upstream.uri}/a.deb")
        assert not list(tmp_path.iterdir())
        upstream.cut = 0
        assert get(cache, f"{upstream.uri}/a.deb") == (200, b"x" * 1000)


def test_a_refusal_passes_and_is_not_kept(upstream: Upstream, tmp_path: Path) -> None:
    with PackageCache(tmp_path, [Archive(upstream.uri, "x")]) as cache:
        assert get(cache, f"{upstream.uri}/a.deb")[0] == 404
    assert not list(tmp_path.iterdir())


def test_nothing_but_the_archives_hosts_is_served(upstream: Upstream, tmp_path: Path) -> None:
    with PackageCache(tmp_path, [Archive(upstream.uri, "x")]) as cache:
        for uri in (
            f"{upstream.uri}/../secret",
            upstream.uri.replace("127.0.0.1", "127.0.0.2") + "/a.deb",
            "http://127.0.0.1/a.deb",
            "http://[::1]/a.deb",
        ):
            assert get(cache, uri)[0] == 403
    assert upstream.asked == []


def test_an_upstream_that_is_down_is_a_bad_gateway(tmp_path: Path) -> None:
    with PackageCache(tmp_path, [Archive("http://127.0.0.1:1/debian", "x")]) as cache:
        assert get(cache, "http://127.0.0.1:1/debian/a.deb")[0] == 502


RELEASE = b"Origin: Debian\nDate: Sat, 11 Jan 2025 09:00:00 UTC\n"


def test_an_index_is_read_again_only_when_it_changed(upstream: Upstream, tmp_path: Path) -> None:
    upstream.files["/debian/dists/x/InRelease"] = RELEASE
    archives = [Archive(upstream.uri, "x")]
    first, second = (archive_states(archives, tmp_path) for _ in range(2))
    assert first == second
    assert first[0].date == 1736586000
    upstream.files["/debian/dists/x/InRelease"] = RELEASE + b"More: 1\n"
    assert archive_states(archives, tmp_path)[0].sha256 != first[0].sha256
    assert upstream.codes == [200, 304, 200]


@pytest.mark.parametrize("content", [b"", b"<html>", b"Date: soon\n", b"Date: \xff\xfe\n", b"\x00Date:"])
def test_garbage_is_not_an_index(upstream: Upstream, tmp_path: Path, content: bytes) -> None:
    upstream.files["/debian/dists/x/InRelease"] = content
    with pytest.raises(ArchiveError, match="not a package archive"):
        archive_states([Archive(upstream.uri, "x")], tmp_path)


def test_an_archive_that_is_not_there_is_named(upstream: Upstream, tmp_path: Path) -> None:
    for uri, said in ((upstream.uri, "answered 404"), ("http://127.0.0.1:1/debian", "cannot be reached")):
        with pytest.raises(ArchiveError, match=said):
            archive_states([Archive(uri, "x")], tmp_path)


def test_a_damaged_memory_is_forgotten(upstream: Upstream, tmp_path: Path) -> None:
    upstream.files["/debian/dists/x/InRelease"] = RELEASE
    archives = [Archive(upstream.uri, "x")]
    archive_states(archives, tmp_path)
    next(tmp_path.iterdir()).write_text("{")
    assert archive_states(archives, tmp_path)[0].date == 1736586000
