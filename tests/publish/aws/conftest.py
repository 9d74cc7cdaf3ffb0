"""moto as the AWS to publish to, and a disk to publish."""

from __future__ import annotations

import http.client

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.publish.aws.fuller_moto import fill_in
from tests.publish.aws.wire import BLOCKS, Wire, disk


@pytest.fixture(scope="module")
def moto():
    fill_in()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        }.items():
            environment.setenv(name, value)
        server.start()
        yield server.get_host_and_port()
        server.stop()


@pytest.fixture(scope="module")
def session(moto):
    """One for all tests of a module: it is slow to begin."""
    return boto3.Session()


@pytest.fixture
def wire(moto, session):
    connection = http.client.HTTPConnection(*moto)
    connection.request("POST", "/moto-api/reset")
    connection.getresponse().read()
    made = Wire(moto, session)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def raw(tmp_path):
    return disk(tmp_path / "disk.raw", range(3, 3 + BLOCKS))


@pytest.fixture
def few(tmp_path):
    """A disk of three blocks."""
    return disk(tmp_path / "few.raw", (0, 5, 7))
