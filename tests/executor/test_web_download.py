"""WebDownload against a server with faults."""

from __future__ import annotations

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from goldsmith.executor.web import ATTEMPTS

CONTENT = b"content " * 100_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Faulty(BaseHTTPRequestHandler):
    """Answers by path; ``/flaky`` fails until its third request."""

    def do_GET(self):
        self.server.asked.append(self.path)
        tries = self.server.asked.count(self.path)
        match self.path.split("/")[1]:
            case "flaky":
                self.give(503 if tries < 3 else 200)
            case "cut":
                self.give(200, declared=len(CONTENT) * 2)
            case "cut-once":
                self.give(200, declared=len(CONTENT) * (2 if tries == 1 else 1))
            case "moved":
                self.move("/ok/target.txt")
            case "away":
                self.move("file:///etc/passwd")
            case "round":
                self.move("/round")
            case "missing":
                self.give(404)
            case "empty":
                self.give(204, b"")
            case "slow":
                self.send_response(200)
                self.send_header("Content-Length", "10")
                self.end_headers()
                self.wfile.write(b"x")
                self.wfile.flush()
                self.server.release.wait(30)
            case _:
                self.give(200)

    def give(self, status, content=CONTENT, declared=None):
        self.send_response(status)
        self.send_header("Content-Length", str(declared or len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def move(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    server.asked = []
    server.release = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetch(bench, server, monkeypatch):
    """Run one download; return the failure's message, or None."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def act(path, destination, more=None, **inputs):
        source = path if "://" in path else f"{server.url}/{path}"
        step = bench.step("WebDownload", [{"source": source, "destination": destination, **inputs}], **(more or {}))
        bench.pauses = []
        bench.result = bench.steps(step, services=bench.services(pause=bench.pauses.append))
        return bench.result.failure.message if bench.result.failure else None

    return act


def test_a_file_a_folder_and_the_output(fetch, bench):
    here = bench.folder
    assert fetch("ok/a%20name?x=1", f"{here}/new/sub/") is None
    assert bench.outputs(bench.result) == [{"destination": f"{here}/new/sub/a name"}]
    assert (here / "new/sub/a name").read_bytes() == CONTENT
    assert fetch("ok/x", "other") is None
    assert (here / "other").read_bytes() == CONTENT
    assert (here / "other").stat().st_mode & 0o777 == 0o644


def test_redirects_are_followed_but_not_out_of_the_web(fetch, bench):
    assert fetch("moved/name", f"{bench.folder}/d/") is None
    assert (bench.folder / "d/name").read_bytes() == CONTENT
    assert fetch("away", "x") is not None
    assert fetch("round", "x") is not None
    assert not (bench.folder / "x").exists()


def test_faults_that_pass_are_tried_again(fetch, bench, server):
    assert fetch("flaky", "x") is None
    assert bench.pauses == [0.5, 1.0]
    assert fetch("cut-once", "y") is None
    assert (bench.folder / "y").read_bytes() == CONTENT


def test_there_are_five_attempts(fetch, bench, server):
    (bench.folder / "x").write_text("old")
    assert f"That was attempt {ATTEMPTS}, the last." in fetch("cut", "x")
    assert server.asked == ["/cut"] * 5
    assert bench.pauses == [0.5, 1.0, 2.0, 4.0]
    assert sorted(path.name for path in bench.folder.iterdir()) == ["logs", "x"]
    assert (bench.folder / "x").read_text() == "old"


@pytest.mark.parametrize(("path", "status"), [("missing", 404), ("empty", 204)])
def test_any_other_status_is_an_error(fetch, server, path, status):
    assert fetch(path, "x") == f"Could not download {server.url}/{path}: the server answered with status {status}."
    assert len(server.asked) == 1


def test_the_checksum_is_verified_before_the_file_is_replaced(fetch, bench, server):
    (bench.folder / "x").write_text("old")
    said = fetch("ok", "x", checksum="0" * 64, algorithm="SHA256")
    assert said == f"What came from {server.url}/ok has the SHA256 checksum {DIGEST} instead of {'0' * 64}."
    assert (bench.folder / "x").read_text() == "old"
    assert sorted(path.name for path in bench.folder.iterdir()) == ["logs", "x"]
    assert fetch("ok", "x", checksum=DIGEST.upper(), algorithm="SHA256") is None
    assert (bench.folder / "x").read_bytes() == CONTENT


def test_a_file_that_is_right_already_is_kept(fetch, bench, server):
    (bench.folder / "x").write_bytes(CONTENT)
    for overwrite in (True, False):
        assert fetch("ok", "x", checksum=DIGEST, algorithm="SHA256", overwrite=overwrite) is None
    assert server.asked == []


def test_overwrite_false(fetch, bench, server):
    (bench.folder / "x").write_text("old")
    assert "already exists" in fetch("ok", "x", overwrite=False)
    assert server.asked == []


@pytest.mark.parametrize("path", ["ok/%2e%2e", "ok/a%2fb", ""])
def test_a_name_from_outside_stays_a_name(fetch, bench, path):
    assert "does not end in a file name" in fetch(path, f"{bench.folder}/d/")


def test_a_server_that_stalls_meets_the_deadline(fetch, bench):
    said = fetch("slow", "x", more={"timeoutSeconds": 1})
    assert said == "The step did not end within its 1 seconds."
    assert bench.result.status == "timedOut"
    assert not (bench.folder / "x").exists()


def test_a_folder_that_cannot_be_written(fetch, bench):
    (bench.folder / "file").touch()
    assert "Could not make the folder" in fetch("ok", f"{bench.folder}/file/x")
    (bench.folder / "d").mkdir()
    assert fetch("ok", f"{bench.folder}/d") == f"The destination {bench.folder}/d is a folder."
