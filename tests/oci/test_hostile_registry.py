"""A registry that lies: nothing is believed that it does not prove, and nobody else gets its login."""

from __future__ import annotations

import io
import json
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from goldsmith.oci import connection
from goldsmith.oci.blobs import CONFIG, INDEX, LAYER, MANIFEST, OciError, digest_of
from goldsmith.oci.image import canonical
from goldsmith.oci.opened import opened_image

BASIC = {"WWW-Authenticate": 'Basic realm="x"'}


def a_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    return out.getvalue()


TAR = a_tar()
OF_CONFIG = canonical({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [digest_of(TAR)]}})


def a_manifest(**layer):
    described = {"mediaType": LAYER, "digest": digest_of(TAR), "size": len(TAR), **layer}
    config = {"mediaType": CONFIG, "digest": digest_of(OF_CONFIG), "size": len(OF_CONFIG)}
    return canonical({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [described]})


def an_index(architecture):
    listed = {"digest": digest_of(TAR), "size": 1, "platform": {"os": "linux", "architecture": architecture}}
    return canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]})


@pytest.fixture
def server():
    """Answers what ``said`` has for the end of a path, (status, headers, content); the requests' logins are kept."""

    class Server(BaseHTTPRequestHandler):
        said = {}  # noqa: RUF012 - one for each test
        logins = []  # noqa: RUF012

        def do_GET(self):
            end = next((each for each in self.said if self.path.partition("?")[0].endswith(each)), None)
            status, headers, content = self.said.get(end, (404, {}, b"{}"))
            self.logins.append((self.path, self.headers.get("Authorization")))
            if status == 401 and self.headers.get("Authorization", "").startswith("Basic") and end != "token":
                status, headers, content = self.said["in"]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for some in content if isinstance(content, list) else [content]:
                    self.wfile.write(some)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    Server.port = listening.server_port
    Server.said = {digest_of(OF_CONFIG): (200, {}, OF_CONFIG), digest_of(TAR): (200, {}, TAR)}
    Server.logins = []
    yield Server
    listening.shutdown()
    listening.server_close()


@pytest.fixture(autouse=True)
def settings(server, tmp_path, monkeypatch):
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {f"127.0.0.1:{server.port}": {"auth": "dTpoaWRkZW4="}}}))
    monkeypatch.setattr(connection, "pause", lambda _: None)


def read(server, tmp_path):
    with opened_image(f"oci://127.0.0.1:{server.port}/evil:1", scratch=tmp_path) as image:
        for opened in image.layers:
            with opened() as stream:
                assert stream.read() == TAR


def as_manifest(content, **headers):
    return {"manifests/1": (200, {"Content-Type": MANIFEST, **headers}, content)}


def test_what_is_as_it_says_is_read(server, tmp_path):
    server.said |= as_manifest(a_manifest())
    read(server, tmp_path)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (as_manifest(a_manifest(size=1 << 62)), r"is said to have \d+ MiB, and there is room"),
        (as_manifest(a_manifest(size=-1)), "without a digest .* and a size"),
        (as_manifest(a_manifest(size=1.5)), "without a digest .* and a size"),
        (as_manifest(a_manifest(digest="sha256:../../x")), "without a digest"),
        (as_manifest(a_manifest(size=len(TAR) + 1)), "instead of"),
        (as_manifest(a_manifest(size=len(TAR) - 1)), "sent more of the blob"),
        (as_manifest(a_manifest()) | {digest_of(TAR): (200, {}, TAR[:-1] + b"!")}, "is damaged"),
        (as_manifest(a_manifest(), **{"Docker-Content-Digest": digest_of(b"")}), "another manifest"),
        (as_manifest(an_index("arm64")), "has no image for linux/amd64. It has linux/arm64"),
        (as_manifest([b" " * (1 << 20)] * 64), "a document of more than 4 MiB"),
        (as_manifest(b'{"a":' * 10_000), "is no JSON object"),
        (as_manifest(canonical({"schemaVersion": 1})), "of no form that is known"),
        ({"manifests/1": (307, {"Location": "1"}, b"")}, "from one place to the next"),
        ({"manifests/1": (307, {"Location": "file:///etc/passwd"}, b"")}, "a place without TLS"),
        ({"manifests/1": (418, {}, b"")}, "with HTTP 418"),
        ({"manifests/1": (502, {}, [b" " * (1 << 20)] * 8)}, "more than 4 MiB"),
        ({"manifests/1": (503, {}, b'{"errors":[{"message":"busy"}]}')}, "could not answer .*: busy"),
        ({"manifests/1": (401, {"WWW-Authenticate": 'Bearer realm="ftp://x/t"'}, b"")}, "without TLS"),
        ({"manifests/1": (401, {"WWW-Authenticate": 'Bearer realm="http://localhost:1/t"'}, b"")}, "without TLS"),
        ({"manifests/1": (401, {"WWW-Authenticate": "Negotiate"}, b"")}, "does not let us use"),
    ],
)
def test_a_lie_is_told_in_a_sentence(server, tmp_path, said, told):
    server.said |= said
    with pytest.raises(OciError, match=told) as refused:
        read(server, tmp_path)
    assert refused.value.mend
    assert "hidden" not in str(refused.value)


def test_who_we_are_is_not_told_where_a_registry_sends_us(server, tmp_path):
    elsewhere = f"http://localhost:{server.port}/elsewhere"
    server.said |= as_manifest(a_manifest())
    server.said |= {digest_of(TAR): (401, BASIC, b""), "in": (307, {"Location": elsewhere}, b"")}
    server.said |= {"elsewhere": (200, {}, TAR)}
    read(server, tmp_path)
    logins = dict(server.logins)
    assert logins[f"/v2/evil/blobs/{digest_of(TAR)}"] == "Basic dTpoaWRkZW4="
    assert logins["/elsewhere"] is None


def test_one_that_is_away_is_told_with_the_reason(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OciError, match="failed: Connection refused"), opened_image(f"oci://127.0.0.1:{port}/x:1"):
        pass
