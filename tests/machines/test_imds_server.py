from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from goldsmith.machines.imds import TTL_HEADER
from goldsmith.machines.imds_server import MetadataServer
from goldsmith.machines.metadata import InstanceMetadata
from goldsmith.machines.qemu import RELAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTANCE = InstanceMetadata("i-0123456789abcdef0", "02:00:00:00:00:01", tokens_required=False)
GET_ID = b"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MetadataServer]:
    with MetadataServer(tmp_path / "metadata", lambda: INSTANCE) as serving:
        yield serving


def exchange(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.usefixtures("server")
def test_it_answers_over_http(tmp_path: Path) -> None:
    answer = exchange(tmp_path / "metadata", GET_ID)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\ni-0123456789abcdef0")


@pytest.mark.usefixtures("server")
def test_one_connection_carries_several_requests(tmp_path: Path) -> None:
    put = f"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n{TTL_HEADER}: 60\r\n\r\n".encode()
    answer = exchange(tmp_path / "metadata", put + GET_ID)
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_the_instance_may_change_while_serving(server: MetadataServer, tmp_path: Path) -> None:
    server.instance = lambda: replace(INSTANCE, instance_id="i-other")
    assert exchange(tmp_path / "metadata", GET_ID).endswith(b"i-other")


@pytest.mark.usefixtures("server")
def test_the_relay_joins_standard_streams_to_the_socket(tmp_path: Path) -> None:
    relay = [sys.executable, "-I", "-S", str(RELAY), str(tmp_path / "metadata")]
    done = subprocess.run(relay, input=GET_ID, capture_output=True, check=True)
    assert done.stdout.endswith(b"i-0123456789abcdef0")
