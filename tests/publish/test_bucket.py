"""An object in a bucket is the disk, whatever the wire does: what arrived before a cut or a kill is not sent again."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from goldsmith.pipelines.home import Home
from goldsmith.publish.bucket import BucketPublishError, publish_to_bucket
from goldsmith.publish.parts import MIB
from goldsmith.publish.source import Facts

PARTS = 3


class FileSource:
    """A disk that is a file."""

    facts = Facts(reference="small/1.0.0/1", name="small", created="2026-01-01T00:00:00Z")

    def __init__(self, raw):
        self._raw = raw

    @contextmanager
    def raw(self):
        yield self._raw

    def output(self, form):
        """Return None: no build wrote it."""

    def digest(self, form):
        with self._raw.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class Wire:
    """A TCP proxy that counts what goes to the server, and cuts each connection when ``after`` bytes went in all."""

    def __init__(self, host, port):
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        self.after = None
        self.reached = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(self._server)
            threading.Thread(target=self._carry, args=(ours, theirs, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(theirs, ours, False), daemon=True).start()

    def _carry(self, come, go, counted):
        try:
            while data := come.recv(1 << 16):
                self.sent += len(data) if counted else 0
                if self.after is not None and self.sent > self.after:
                    self.reached.set()
                    break
                go.sendall(data)
        except OSError:
            pass
        for each in (come, go):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self):
        self._listener.close()


@pytest.fixture(scope="module")
def server():
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            environment.setenv(name, value)
        moto.start()
        yield moto.get_host_and_port()
        moto.stop()


@pytest.fixture
def wire(server):
    made = Wire(*server)
    yield made
    made.close()


@pytest.fixture
def bucket(server):
    client = boto3.client("s3", endpoint_url="http://{}:{}".format(*server))
    client.create_bucket(Bucket=(name := f"images-{os.urandom(4).hex()}"))
    return client, name


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "disk.raw"
    path.write_bytes(b"".join(os.urandom(MIB) * 8 for _ in range(PARTS - 1)) + os.urandom(MIB))
    return path


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").ready()


def stored(bucket, key):
    return bucket[0].get_object(Bucket=bucket[1], Key=key)["Body"].read()


def test_the_object_is_the_disk_and_a_second_run_sends_nothing(raw, home, bucket, wire):
    place = f"s3://{bucket[1]}/exports/"
    done = publish_to_bucket(FileSource(raw), place, "raw", home=home, endpoint=wire.url)
    size = raw.stat().st_size
    assert (done.uri, done.sent, done.unchanged) == (f"{place}export-small-1.0.0-1.raw", size, False)
    assert stored(bucket, "exports/export-small-1.0.0-1.raw") == raw.read_bytes()
    assert size < wire.sent < size * 1.01
    before = wire.sent
    again = publish_to_bucket(FileSource(raw), place, "raw", home=home, endpoint=wire.url)
    assert (again.sent, again.unchanged) == (0, True)
    assert wire.sent - before < 4096


def test_a_dry_run_sends_nothing(raw, home, bucket, wire):
    said = publish_to_bucket(
        FileSource(raw), f"s3://{bucket[1]}/d.raw", "raw", home=home, endpoint=wire.url, dry_run=True
    )
    assert said.sent == raw.stat().st_size
    assert not bucket[0].list_objects_v2(Bucket=bucket[1]).get("Contents")
    assert not bucket[0].list_multipart_uploads(Bucket=bucket[1]).get("Uploads")


def test_a_killed_run_is_gone_on_with_and_other_bytes_are_sent_anew(raw, home, bucket, wire):
    client, name = bucket
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import test_bucket as t;"
        "from goldsmith.pipelines.home import Home;"
        "t.publish_to_bucket(t.FileSource(Path(sys.argv[2])), sys.argv[3], 'raw', home=Home(Path(sys.argv[4])),"
        " endpoint=sys.argv[5], progress=lambda done, of: (print(done, flush=True), sys.stdin.readline()))"
    )
    argv = [sys.executable, "-c", program, str(Path(__file__).parent), str(raw), f"s3://{name}/d.raw"]
    with subprocess.Popen(
        [*argv, str(home.path), wire.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline(), "the first part is there, and the run waits for an answer"
        os.killpg(process.pid, signal.SIGKILL)
    (upload,) = client.list_multipart_uploads(Bucket=name)["Uploads"]
    arrived = client.list_parts(Bucket=name, Key="d.raw", UploadId=upload["UploadId"])["Parts"]
    there = sum(part["Size"] for part in arrived)
    assert there >= 8 * MIB
    with raw.open("r+b") as file:
        os.pwrite(file.fileno(), b"other", 0)
    done = publish_to_bucket(FileSource(raw), f"s3://{name}/d.raw", "raw", home=home, endpoint=wire.url)
    assert done.sent >= 8 * MIB, "the part that is another one now"
    assert done.sent <= raw.stat().st_size
    assert stored(bucket, "d.raw") == raw.read_bytes()


def test_a_cut_wire_is_told_and_only_the_rest_is_sent_then(raw, home, bucket, wire, monkeypatch):
    monkeypatch.setattr("goldsmith.publish.bucket.ATTEMPTS", 1)
    monkeypatch.setattr("goldsmith.publish.bucket.THREADS", 1)
    wire.after = 12 * MIB
    with pytest.raises(BucketPublishError, match="could not be written") as refused:
        publish_to_bucket(FileSource(raw), f"s3://{bucket[1]}/d.raw", "raw", home=home, endpoint=wire.url)
    assert "only what is missing" in refused.value.mend
    assert wire.reached.is_set()
    wire.after = None
    before = wire.sent
    done = publish_to_bucket(FileSource(raw), f"s3://{bucket[1]}/d.raw", "raw", home=home, endpoint=wire.url)
    assert done.sent == raw.stat().st_size - 8 * MIB
    assert wire.sent - before < done.sent * 1.01
    assert stored(bucket, "d.raw") == raw.read_bytes()
    assert not bucket[0].list_multipart_uploads(Bucket=bucket[1]).get("Uploads")


@pytest.mark.sandbox
def test_a_conversion_is_kept_only_until_it_has_arrived(raw, home, bucket, wire, monkeypatch):
    monkeypatch.setattr("goldsmith.publish.bucket.ATTEMPTS", 1)
    raw.write_bytes(raw.read_bytes()[: 16 * MIB])
    wire.after = MIB
    with pytest.raises(BucketPublishError):
        publish_to_bucket(FileSource(raw), f"s3://{bucket[1]}/d", "qcow2", home=home, endpoint=wire.url)
    assert [each.name for each in (home.path / "publishing").glob("*/*.qcow2")] == ["disk.qcow2"]
    wire.after = None
    publish_to_bucket(FileSource(raw), f"s3://{bucket[1]}/d", "qcow2", home=home, endpoint=wire.url)
    assert stored(bucket, "d").startswith(b"QFI\xfb")
    assert not list((home.path / "publishing").iterdir())


@pytest.mark.sandbox
def test_what_a_conversion_gave_is_known_and_the_bucket_is_asked_before_another(raw, home, bucket, wire):
    class Asked(FileSource):
        reads = 0

        @contextmanager
        def raw(self):
            Asked.reads += 1
            yield self._raw

    def publish(name=bucket[1], **more):
        return publish_to_bucket(Asked(raw), f"s3://{name}/d.vmdk", "vmdk", home=home, endpoint=wire.url, **more)

    raw.write_bytes(raw.read_bytes()[: 9 * MIB])
    with pytest.raises(BucketPublishError, match="does not exist"):
        publish("nowhere")
    assert not Asked.reads
    done = publish()
    again = publish()
    assert (again.sent, again.unchanged, again.sha256) == (0, True, done.sha256)
    assert publish(dry_run=True).unchanged
    bucket[0].delete_object(Bucket=bucket[1], Key="d.vmdk")
    assert publish(dry_run=True).sent == done.sent
    assert Asked.reads == 1
    assert publish().sent == done.sent
    assert Asked.reads == 2, "bytes are made anew, and never taken from what is known"
    with raw.open("r+b") as file:
        file.write(b"other")
    assert publish().sha256 != done.sha256
    assert Asked.reads == 3
