"""A cloud on a temporary home, served on a loopback port, and boto3 clients of several accounts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from goldsmith.aws.app import application
from goldsmith.aws.cloud import Cloud
from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.models import find_operation
from goldsmith.catalog.accounts import create_access_key, create_account, find_account
from goldsmith.pipelines.home import Home
from tests.aws.imagebuilder.answers import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.catalog.accounts import Credential


@dataclass
class Served:
    """A cloud behind a port, with a clock that a test may move and clients of any account."""

    cloud: Cloud
    url: str
    keys: dict[tuple[str, str], Credential] = field(default_factory=dict)
    ahead: float = 0.0
    clients: dict[tuple[str, str, str, str], Any] = field(default_factory=dict)

    def client(
        self, service: str = "ec2", *, account: str = "acme", role: str = "admin", region: str = "us-east-1"
    ) -> Any:
        """Return a boto3 client that signs for a user of ``role`` in ``account``, which is made where it is not there."""
        if (service, account, role, region) not in self.clients:
            key = self.credential(account, role)
            self.clients[service, account, role, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=key.key_id,
                aws_secret_access_key=key.secret,
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
            if service == "imagebuilder":
                checked(self.clients[service, account, role, region])
        return self.clients[service, account, role, region]

    def call(
        self,
        operation: str,
        *,
        service: str = "ec2",
        account: str = "acme",
        region: str = "us-east-1",
        **asked: Any,
    ) -> dict[str, Any]:
        """Run an operation without the wire, as after a move of the clock, which ends all signatures."""
        found = find_operation(service, operation)
        assert found is not None
        return Dispatcher(self.cloud).call(self.credential(account), region, found, asked)

    def credential(self, account: str = "acme", role: str = "admin") -> Credential:
        """Return the key of a user of ``role`` in ``account``."""
        if (account, role) not in self.keys:
            with self.cloud.database.writing() as connection:
                there = find_account(connection, account) or create_account(connection, account)
                made = create_access_key(connection, self.cloud.vault, there, role, role)
            self.keys[account, role] = made
        return self.keys[account, role]

    def account_id(self, account: str = "acme") -> str:
        """Return an account's 12 digits."""
        return self.credential(account).account.id


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve one cloud for a module's tests: each uses accounts and names of its own."""
    yield from serve(tmp_path_factory.mktemp("home"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """Serve a cloud of its own to a test that counts what is there, or stops and starts it."""
    yield from serve(tmp_path / "home")


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """Call a client's method and return the code with which it is refused."""

    def refuse(method: Callable[..., Any], **arguments: Any) -> str:
        with pytest.raises(ClientError) as refused:
            method(**arguments)
        return str(refused.value.response["Error"]["Code"])

    return refuse


def serve(home: Path) -> Iterator[Served]:
    """Serve the cloud of ``home`` on a free loopback port until the generator is closed."""
    world = Served(Cloud(Home(home).ready()), "")
    world.cloud.clock = lambda: time.time() + world.ahead
    world.cloud.database.prepare()
    server = uvicorn.Server(uvicorn.Config(application(world.cloud), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    world.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield world
    finally:
        server.should_exit = True
        thread.join()
        world.cloud.close()
