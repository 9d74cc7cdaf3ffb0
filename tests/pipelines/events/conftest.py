"""A home, a clock that a test moves, and a receiver of webhooks that answers as it is told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from goldsmith.pipelines.home import Home

START = 1_795_000_000.0  # 2026-11-18T11:06:40Z


@dataclass
class Clock:
    now: float = START

    def __call__(self):
        return self.now


@dataclass
class Receiver:
    """A server on loopback that notes what it gets; ``answers`` are the statuses of the next requests, else 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").ready()


@pytest.fixture
def receiver():
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers), body))
            status = made.answers.pop(0) if made.answers else 200
            self.send_response(status)
            if status in {301, 307}:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
