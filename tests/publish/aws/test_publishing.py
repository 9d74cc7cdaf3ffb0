"""An image on AWS is the disk, block for block, whatever the wire does; what is there is neither sent nor made again."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from goldsmith.blocks.block_map import BLOCK
from goldsmith.documents.distribution import (
    LaunchPermission,
    LaunchTemplateConfiguration,
    SsmParameterConfiguration,
)
from goldsmith.pipelines.progress import Stages
from goldsmith.publish.aws.clients import AwsPublishError, Clients
from goldsmith.publish.aws.publishing import publish_to_aws
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
from goldsmith.publish.source import Facts, FileBlocks
from tests.publish.aws.fuller_moto import fill_in

REGION, OTHER = "us-east-1", "eu-west-1"
BLOCKS = 24
FAULTS = ("throttled", "broken", "cut before", "cut after")


class FileSource:
    """A disk that is a file."""

    def __init__(self, raw, build=1):
        self._raw = raw
        self.facts = Facts(
            reference=f"small/1.0.0/{build}", name="small", version="1.0.0", created="2026-01-01T00:00:00+00:00"
        )

    @contextmanager
    def blocks(self, progress=None):
        with FileBlocks.opened(self._raw, progress) as blocks:
            yield blocks


class Wire(ThreadingHTTPServer):
    """A proxy before a server: counts the bytes of blocks that were taken, and spoils every ``each``th block's call."""

    daemon_threads = True

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_place = server
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.taken = self.calls = self.each = self.starts = 0
        self.reached = threading.Event()
        self.hold_after = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def fault(self):
        with self.lock:
            self.calls += 1
            if self.each and self.calls % self.each == 0:
                return FAULTS[self.calls // self.each % len(FAULTS)]
            return ""

    def handle_error(self, *_):
        """A cut connection is what is wanted."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_block = self.command == "PUT" and "/blocks/" in self.path
        fault = self.server.fault() if is_block else ""
        self.server.starts += (self.command, self.path) == ("POST", "/snapshots")
        if is_block and self.server.hold_after and self.server.calls > self.server.hold_after:
            self.server.reached.set()
            threading.Event().wait(30)
        if fault == "cut before":
            self.close_connection = True
            return
        if fault in ("throttled", "broken"):
            status, kind = (400, "ThrottlingException") if fault == "throttled" else (503, "ServiceUnavailable")
            self._answer(status, [("x-amzn-ErrorType", kind)], b'{"message": "not now"}')
            return
        theirs = http.client.HTTPConnection(*self.server.server_place)
        theirs.request(self.command, self.path, body, dict(self.headers))
        answer = theirs.getresponse()
        content = answer.read()
        theirs.close()
        if is_block and answer.status < 300:
            with self.server.lock:
                self.server.taken += len(body)
        if fault == "cut after":
            self.close_connection = True
            return
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        self._answer(answer.status, kept, content)

    def _answer(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _pass  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_):
        """Say nothing."""


_HOP = {"content-length", "transfer-encoding", "connection"}


@pytest.fixture(scope="module")
def moto():
    fill_in()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            environment.setenv(name, value)
        server.start()
        yield server.get_host_and_port()
        server.stop()


@pytest.fixture
def wire(moto):
    connection = http.client.HTTPConnection(*moto)
    connection.request("POST", "/moto-api/reset")
    connection.getresponse().read()
    made = Wire(moto)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def raw(tmp_path):
    return disk(tmp_path / "disk.raw", range(3, 3 + BLOCKS))


def disk(path, indexes, *, size=1 << 30):
    with path.open("wb") as file:
        file.truncate(size)
        for index in indexes:
            file.seek(index * BLOCK)
            file.write(os.urandom(BLOCK))
    return path


def publish(source, wire, home, *regions, dry_run=False, **more):
    wanted = AwsWanted(regions or (RegionWanted(REGION, "small/1.0.0/1"),), **more)
    return publish_to_aws(source, wanted, Clients(endpoint=wire.url), home, Stages(lambda _: None), dry_run=dry_run)


def read_back(wire, snapshot, below=""):
    """Return the bytes of every block that a snapshot has, its parent's below it."""
    ebs = boto3.client("ebs", region_name=REGION, endpoint_url=wire.url)
    blocks = read_back(wire, below) if below else {}
    for each in ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]:
        answer = ebs.get_snapshot_block(
            SnapshotId=snapshot, BlockIndex=each["BlockIndex"], BlockToken=each["BlockToken"]
        )
        blocks[each["BlockIndex"]] = answer["BlockData"].read()
    return {index: data for index, data in blocks.items() if data != bytes(BLOCK)}


def written(raw):
    with FileBlocks.opened(raw) as blocks:
        return {index: blocks.read(index) for index, _ in blocks.map.items()}


def images(wire, region=REGION):
    return boto3.client("ec2", region_name=region, endpoint_url=wire.url).describe_images(Owners=["self"])["Images"]


def test_every_block_arrives_once_and_a_second_run_sends_nothing(raw, wire, tmp_path):
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert (made.sent, made.least, wire.taken) == (BLOCKS * BLOCK,) * 3
    assert read_back(wire, made.snapshot) == written(raw)
    (image,) = images(wire)
    assert (image["ImageId"], image["Name"]) == (made.images[REGION], "small/1.0.0/1")
    again = publish(FileSource(raw), wire, tmp_path / "another home")
    assert (again.unchanged, again.sent, wire.taken) == (True, 0, BLOCKS * BLOCK)
    assert len(images(wire)) == 1


def test_a_wire_that_throttles_breaks_and_cuts_is_borne(raw, wire, tmp_path):
    wire.each = 3
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert wire.calls > BLOCKS
    assert read_back(wire, made.snapshot) == written(raw)


def test_killed_in_its_midst_it_goes_on_with_the_same_snapshot(raw, wire, tmp_path):
    wire.hold_after = 10
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_publishing as t; from pathlib import Path;"
        "t.publish(t.FileSource(Path(sys.argv[2])), type('W', (), {'url': sys.argv[3]}), Path(sys.argv[4]))"
    )
    argv = [sys.executable, "-c", script, str(Path(__file__).parent), str(raw), wire.url, str(tmp_path / "home")]
    process = subprocess.Popen(argv)
    assert wire.reached.wait(60)
    while sum(file.stat().st_size for file in tmp_path.glob("home/publishing/aws/*/*.blocks")) < 4 * wire.hold_after:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert images(wire) == []
    wire.hold_after, before = 0, wire.taken
    made = publish(FileSource(raw), wire, tmp_path / "home")
    assert 0 < before < BLOCKS * BLOCK
    assert made.sent == BLOCKS * BLOCK - before
    assert wire.taken == BLOCKS * BLOCK
    assert read_back(wire, made.snapshot) == written(raw)
    assert wire.starts == 1


def test_a_later_build_is_sent_as_its_changes(raw, wire, tmp_path):
    first = publish(FileSource(raw), wire, tmp_path / "home")
    with raw.open("r+b") as file:
        for index, data in {5: os.urandom(BLOCK), 7: bytes(BLOCK), 900: os.urandom(BLOCK)}.items():
            file.seek(index * BLOCK)
            file.write(data)
    before = wire.taken
    later = RegionWanted(REGION, "small/1.0.0/2")
    second = publish(FileSource(raw, 2), wire, tmp_path / "home", later)
    assert (second.sent, second.least, wire.taken - before) == (3 * BLOCK,) * 3
    assert read_back(wire, second.snapshot, first.snapshot) == written(raw)


def test_a_dry_run_says_all_and_does_nothing(raw, wire, tmp_path):
    said = publish(
        FileSource(raw),
        wire,
        tmp_path / "home",
        RegionWanted(REGION, "small"),
        RegionWanted(OTHER, "small"),
        dry_run=True,
    )
    assert said.sent == BLOCKS * BLOCK
    assert wire.taken == 0
    assert images(wire) == []
    assert [(step.region, step.there) for step in said.steps] == [(REGION, False), (REGION, False), (OTHER, False)]


def test_what_is_wanted_besides_is_made_and_mended_and_otherwise_left(raw, wire, tmp_path):
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=wire.url)
    ssm = boto3.client("ssm", region_name=REGION, endpoint_url=wire.url)
    old = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": old, "InstanceType": "t3.small"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    region = RegionWanted(
        REGION,
        "small",
        tags={"team": "platform"},
        permission=LaunchPermission(user_ids=("111122223333",)),
        templates=(LaunchTemplateConfiguration(launch_template_id=template),),
        parameters=(SsmParameterConfiguration(parameter_name="/golden/small"),),
    )
    other = RegionWanted(OTHER, "small", tags={"team": "platform"})

    def run():
        return publish(FileSource(raw), wire, tmp_path / "home", region, other)

    made = run()
    image = made.images[REGION]
    assert {tag["Key"]: tag["Value"] for tag in ec2.describe_images(ImageIds=[image])["Images"][0]["Tags"]}[
        "team"
    ] == "platform"
    shown = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    assert shown == [{"UserId": "111122223333"}]
    (default,) = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])[
        "LaunchTemplateVersions"
    ]
    assert (default["LaunchTemplateData"]["ImageId"], default["VersionNumber"]) == (image, 2)
    assert ssm.get_parameter(Name="/golden/small")["Parameter"]["Value"] == image
    assert [each["ImageId"] for each in images(wire, OTHER)] == [made.images[OTHER]]
    ec2.modify_image_attribute(
        ImageId=image,
        LaunchPermission={"Add": [{"UserId": "444455556666"}], "Remove": [{"UserId": "111122223333"}]},
    )
    ssm.put_parameter(Name="/golden/small", Value="ami-0", Type="String", Overwrite=True)
    mended = run()
    words = " ".join(step.what for step in mended.steps if not step.there)
    assert "+111122223333 -444455556666" in words
    assert "/golden/small" in words
    assert "lt-" not in words
    assert mended.sent == 0


def test_a_name_that_is_another_disk_s_is_told(raw, wire, tmp_path):
    publish(FileSource(raw), wire, tmp_path / "home")
    disk(raw, [1])
    with pytest.raises(AwsPublishError, match="holds another disk"):
        publish(FileSource(raw), wire, tmp_path / "home")
