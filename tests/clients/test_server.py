"""The server itself: alone in its home, bounded, and plain about what it does not know."""

from __future__ import annotations

import http.client
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .conftest import GOLDSMITH

if TYPE_CHECKING:
    from .conftest import Server

pytestmark = [pytest.mark.sandbox]


def test_a_second_server_of_one_home_is_refused(server: Server):
    done = subprocess.run(
        [GOLDSMITH, "serve", "--port", "0"], env=server.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Another server has" in done.stderr


def test_a_port_that_is_taken_is_told(server: Server):
    done = subprocess.run(
        [GOLDSMITH, "serve", "--port", str(server.port)],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    assert "--port" in done.stderr


def test_headers_without_end_are_refused(server: Server):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.putrequest("POST", "/")
    connection.putheader("X-Long", "y" * 200_000)
    connection.endheaders()
    assert connection.getresponse().status == 400


def test_what_was_asked_for_in_vain_is_counted(server: Server):
    ec2 = server.client()
    with pytest.raises(ec2.exceptions.ClientError, match="UnknownOperation"):
        ec2.describe_fpga_images()
    told = urllib.request.urlopen(f"{server.url}/-/metrics").read().decode()
    assert 'goldsmith_unanswered_operations_total{operation="ec2:DescribeFpgaImages"} 1' in told


def test_one_date_is_sent(server: Server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(server.url)
    assert len(refused.value.headers.get_all("Date")) == 1
