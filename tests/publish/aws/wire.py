"""A wire to moto that can be spoiled, and what is sent over it."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections import Counter
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from goldsmith.blocks.block_map import BLOCK
from goldsmith.pipelines.progress import Stages
from goldsmith.publish.aws.clients import Clients
from goldsmith.publish.aws.publishing import publish_to_aws
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
from goldsmith.publish.source import Facts, FileBlocks

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
    """A proxy before a server: counts the bytes of blocks that were taken, and spoils every ``each``th block's call.

    ``refusing`` has by operation how often it is refused, and with what: status, code, message and reason.
    """

    daemon_threads = True

    def __init__(self, server, session):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_place = server
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.taken = self.calls = self.each = 0
        self.clients = Clients(endpoint=self.url)
        vars(self.clients)["_session"] = session
        self.asked = Counter()
        self.tokens = []
        self.refusing = {}
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.hold_after = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def refuse(self, operation, code, message="no", *, status=400, reason="", times=10**6):
        self.refusing[operation] = [times, status, code, message, reason]

    def refusal(self, operation):
        with self.lock:
            self.asked[operation] += 1
            said = self.refusing.get(operation)
            if not said or not said[0]:
                return None
            said[0] -= 1
            return said[1:]

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
    disable_nagle_algorithm = True

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_block = self.command == "PUT" and "/blocks/" in self.path
        operation = self._operation(body)
        if operation == "StartSnapshot":
            self.server.tokens.append(json.loads(body)["ClientToken"])
        refusal = self.server.refusal(operation)
        if refusal:
            self._refuse(*refusal)
            return
        fault = self.server.fault() if is_block else ""
        if is_block and self.server.hold_after and self.server.calls > self.server.hold_after:
            self.server.reached.set()
            self.server.go_on.wait(30)
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
        if answer.status == HTTPStatus.FORBIDDEN and self.path.startswith("/snapshots"):
            message = content.decode().partition("<Message>")[2].partition("</Message>")[0]
            self._refuse(answer.status, "AccessDeniedException", message, "")
            return
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        self._answer(answer.status, kept, content)

    def _operation(self, body):
        if self.path.startswith("/snapshots"):
            return {"POST /snapshots": "StartSnapshot"}.get(
                f"{self.command} {self.path}", "PutSnapshotBlock" if self.command == "PUT" else "CompleteSnapshot"
            )
        target = self.headers.get("X-Amz-Target", "")
        return target.rpartition(".")[2] or parse_qs(body.decode()).get("Action", [""])[0]

    def _refuse(self, status, code, message, reason):
        if self.path.startswith("/snapshots"):
            said = json.dumps({"Message": message, "Reason": reason}).encode()
            self._answer(status, [("x-amzn-ErrorType", code)], said)
        elif self.headers.get("X-Amz-Target"):
            self._answer(status, [], json.dumps({"__type": code, "message": message}).encode())
        else:
            error = f"<Code>{code}</Code><Message>{message}</Message>"
            self._answer(status, [], f"<Response><Errors><Error>{error}</Error></Errors></Response>".encode())

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


def disk(path, indexes, *, size=1 << 30):
    with path.open("wb") as file:
        file.truncate(size)
        for index in indexes:
            file.seek(index * BLOCK)
            file.write(os.urandom(BLOCK))
    return path


def publish(source, wire, home, *regions, dry_run=False, **more):
    wanted = AwsWanted(regions or (RegionWanted(REGION, "small/1.0.0/1"),), **more)
    return publish_to_aws(source, wanted, wire.clients, home, Stages(lambda _: None), dry_run=dry_run)


def read_back(wire, snapshot, below=""):
    """Return the bytes of every block that a snapshot has, its parent's below it."""
    ebs = client(wire, "ebs")
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


def client(wire, service, region=REGION):
    return wire.clients._session.client(service, region_name=region, endpoint_url=wire.url)


def snapshot_of(wire, image, region=REGION):
    """Return the root's snapshot of an AMI, as DescribeSnapshots shows it."""
    ec2 = client(wire, "ec2", region)
    (mapping,) = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
    return ec2.describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"][0]


def images(wire, region=REGION):
    return client(wire, "ec2", region).describe_images(Owners=["self"])["Images"]
