"""Images go to Debian's docker-registry and come back: with logins, from another repository, after a cut."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import select
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from goldsmith.oci.blobs import EMPTY, LAYER, MANIFEST, Blob, OciError, digest_of
from goldsmith.oci.image import About, NewLayer, canonical, made_image
from goldsmith.oci.opened import opened_image
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import PIECE, Repository, Sent

pytestmark = pytest.mark.sandbox

MIB = 1 << 20
KIND = "application/vnd.tests.said"


def an_image(seed, *sizes):
    layers = []
    for number, size in enumerate(sizes):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            info = tarfile.TarInfo(f"file{number}")
            info.size = size
            archive.addfile(info, io.BytesIO(random.Random(f"{seed}{number}").randbytes(size)))  # noqa: S311 - a test's bytes
        content = out.getvalue()
        layers.append(NewLayer(Blob.of(LAYER, content), digest_of(content), f"layer {number}"))
    return made_image(layers, About("2027-01-15T08:00:00Z", {}, {"seed": seed}))


def push(image, text, source=""):
    told = Sent()
    with Repository(Reference.parse(text)) as repository:
        for blob in image.blobs:
            repository.push_blob(blob, told, source=source)
        repository.push_manifest(image.manifest_blob, "1")
    return told


def pulled(text, tmp_path):
    with opened_image(f"oci://{text}", scratch=tmp_path) as image:
        for opened in image.layers:
            with opened() as stream:
                while stream.read(MIB):
                    pass
        return image.digest


def total(image):
    return sum(blob.descriptor.size for blob in image.blobs)


def test_pushed_is_pulled_and_nothing_is_sent_twice(registry, logged_in, tmp_path):
    image = an_image("twice", 3 * MIB, MIB)
    assert push(image, f"{registry}/x/twice:1").sent == sum(blob.descriptor.size for blob in image.blobs)
    assert pulled(f"{registry}/x/twice:1", tmp_path) == image.digest
    again = push(image, f"{registry}/x/twice:1")
    assert (again.sent, again.skipped) == (0, total(image))
    mounted = push(image, f"{registry}/other:1", source="x/twice")
    assert (mounted.sent, mounted.skipped) == (0, total(image))
    assert pulled(f"{registry}/other:1", tmp_path) == image.digest


def test_without_a_login_or_with_a_wrong_one_nothing_goes_and_no_secret_is_told(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none.json"))
    with pytest.raises(OciError, match="without a login"):
        push(an_image("refused", 10), f"{registry}/x/refused:1")
    (tmp_path / "wrong.json").write_text(json.dumps({"auths": {registry: {"auth": "dTpoaWRkZW4td29yZA=="}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "wrong.json"))
    with pytest.raises(OciError, match="with the login") as refused:
        push(an_image("refused", 10), f"{registry}/x/refused:1")
    assert "hidden" not in str(refused.value)
    assert "dTpo" not in str(refused.value)


def test_a_credential_helper_is_asked(registry, tmp_path, monkeypatch):
    helper = tmp_path / "docker-credential-tests"
    helper.write_text(
        '#!/bin/sh\nread -r server || true\n[ "$1" = get ] && '
        'echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"u\\",\\"Secret\\":\\"secret\\"}"\n'
    )
    helper.chmod(0o755)
    (tmp_path / "auth.json").write_text(json.dumps({"credHelpers": {registry: "tests"}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    image = an_image("helped", 10)
    assert push(image, f"{registry}/x/helped:1").sent == total(image)


def test_what_refers_to_an_image_is_found_by_its_type(registry, logged_in):
    """Debian's registry has no API for it: it is the tag's index."""
    image = an_image("referred", 10)
    push(image, f"{registry}/x/referred:1")
    with Repository(Reference.parse(f"{registry}/x/referred:1")) as repository:
        for kind in (KIND, KIND, "application/vnd.tests.other"):
            empty, said = Blob.of(EMPTY, b"{}"), Blob.of(kind, b'{"said": true}')
            for blob in (empty, said):
                repository.push_blob(blob, Sent())
            document = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": kind,
                "config": empty.descriptor.as_json(),
                "layers": [said.descriptor.as_json()],
                "subject": image.manifest_blob.descriptor.as_json(),
            }
            repository.refer(image.digest, Blob.of(MANIFEST, canonical(document)))
        assert len(repository.referrers(image.digest)) == 2
        assert [each.artifact_type for each in repository.referrers(image.digest, KIND)] == [KIND]


@pytest.mark.parametrize("upwards", [True, False])
def test_after_a_cut_it_goes_on_where_it_was(registry, logged_in, tmp_path, upwards):
    """A relay before the registry breaks the connection in the middle of a layer, once.

    Upwards Debian's registry drops the upload for that, and it begins anew; downwards only the rest is fetched.
    """
    image = an_image(f"cut{upwards}", PIECE + 8 * MIB)
    with Relay(registry, PIECE + 4 * MIB, upwards=upwards) as relay:
        logins = json.loads(logged_in.read_text())
        logged_in.write_text(json.dumps({"auths": {relay.host: logins["auths"][registry]}}))
        if upwards:
            told = push(image, f"{relay.host}/x/cut:1")
            assert total(image) <= told.sent <= 2 * total(image)
        else:
            push(image, f"{relay.host}/x/cut:1")
            assert pulled(f"{relay.host}/x/cut:1", tmp_path) == image.digest
        assert relay.cuts == 1
        assert upwards or relay.passed < total(image) + MIB
        assert pulled(f"{relay.host}/x/cut:1", tmp_path) == image.digest


class Relay:
    """Passes connections on to a host; the one that carries the byte ``at`` of a direction is reset there."""

    def __init__(self, host, at, *, upwards):
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._at = at
        self._upwards = upwards
        self.cuts = 0
        self.passed = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client):
        with client, socket.create_connection(self._target) as server:
            while True:
                for each in select.select([client, server], [], [])[0]:
                    try:
                        some = each.recv(1 << 16)
                    except ConnectionError:
                        return
                    if not some:
                        return
                    if (each is client) == self._upwards:
                        self.passed += len(some)
                        if not self.cuts and self.passed >= self._at:
                            self.cuts = 1
                            return
                    (server if each is client else client).sendall(some)


def test_a_bearer_token_is_fetched_for_what_is_done_and_the_login_goes_to_the_token_service_alone(
    bearer_registry, tmp_path, monkeypatch
):
    host, asked = bearer_registry
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    (tmp_path / "auth.json").write_text("{}")
    image = an_image("bearer", 10)
    with pytest.raises(OciError, match="without a login"):
        push(image, f"{host}/x/bearer:1")
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {host: {"auth": "dTpzZWNyZXQ="}}}))
    assert push(image, f"{host}/x/bearer:1").sent == total(image)
    assert pulled(f"{host}/x/bearer:1", tmp_path) == image.digest
    assert ["repository:x/bearer:pull,push"] in asked
    assert ["repository:x/bearer:pull"] in asked
    assert push(image, f"{host}/other:1", source="x/bearer").sent == 0


@pytest.fixture
def bearer_registry(tmp_path):
    """A docker-registry that believes the tokens of a service here, and the scopes that were asked for."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("docker-registry is not installed")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = a_certificate(key)
    (tmp_path / "bundle.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    asked = []
    service = ThreadingHTTPServer(("127.0.0.1", 0), token_service(key, certificate, asked))
    threading.Thread(target=service.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    token = {
        "realm": f"http://127.0.0.1:{service.server_port}/token",
        "service": "tests",
        "issuer": "tests",
        "rootcertbundle": str(tmp_path / "bundle.pem"),
    }
    settings = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "blobs")}},
        "http": {"addr": host},
        "auth": {"token": token},
    }
    (tmp_path / "config.yml").write_text(json.dumps(settings))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2]))).close()
                break
            except OSError:
                time.sleep(0.05)
        yield host, asked
    finally:
        process.terminate()
        process.wait()
        service.shutdown()
        service.server_close()


def a_certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=9))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, SHA256())


def token_service(key, certificate, asked):
    """The distribution project's token authentication, as its documents have it, for the user u with secret."""

    def encoded(content):
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            scopes = parse_qs(urlsplit(self.path).query)["scope"]
            if self.headers.get("Authorization") != "Basic dTpzZWNyZXQ=":
                self.send_error(401)
                return
            asked.append(scopes)
            access = [
                dict(zip(("type", "name"), scope.split(":")[:2], strict=True))
                | {"actions": scope.split(":")[2].split(",")}
                for scope in scopes
            ]
            now = int(time.time())
            claims = {
                "iss": "tests",
                "aud": "tests",
                "sub": "u",
                "nbf": now - 60,
                "iat": now,
                "exp": now + 600,
                "access": access,
            }
            x5c = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
            header = {"typ": "JWT", "alg": "ES256", "x5c": x5c}
            signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
            r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
            body = json.dumps({"token": f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Service
