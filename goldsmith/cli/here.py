"""The catalogue of this home at the command line: the same operations as over the wire, without a server."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goldsmith.aws.cloud import Cloud, CloudError
from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation
from goldsmith.catalog.accounts import Credential, all_accounts, find_account
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.catalog.accounts import Account

GLANCE = 0.2
"""Seconds between two looks at something that changes by itself."""


class RefusedError(GoldsmithError):
    """An operation was refused; ``code`` is AWS's for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


class Here:
    """One account's view of the home's cloud, as its administrator: who may write the home's files is nothing less."""

    def __init__(self, cloud: Cloud, account: Account, region: str) -> None:
        self.cloud = cloud
        self.account = account
        self.region = region
        self._dispatcher = Dispatcher(cloud)
        self._credential = Credential("command-line", "", account, "command-line", "admin")

    def ec2(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Run an EC2 operation with boto3's parameters; return boto3's answer. Raises RefusedError."""
        return self.call("ec2", operation, **parameters)

    def call(self, service: str, name: str, /, **parameters: Any) -> dict[str, Any]:
        """Run an operation of any service; a client token that it needs is drawn, as by boto3. Raises RefusedError."""
        operation = find_operation(service, name)
        if operation is None:
            raise LookupError(f"{service} has no operation {name}")
        given = {key: value for key, value in parameters.items() if value is not None}
        shape = operation.model.input_shape
        if shape and operation.token_member in shape.required_members:
            given.setdefault(operation.token_member, str(uuid.uuid4()))
        try:
            return self._dispatcher.call(self._credential, self.region, operation, given)
        except AwsError as refused:
            raise RefusedError(refused.code, refused.message) from refused

    def pages(self, service: str, operation: str, member: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Return the items of all pages of a service whose page token is ``nextToken``."""
        found: list[dict[str, Any]] = []
        token = None
        while True:
            answer = self.call(service, operation, nextToken=token, **parameters)
            found += answer[member]
            token = answer.get("nextToken")
            if not token:
                return found

    def every(self, operation: str, member: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the items of all pages of an answer's ``member``."""
        found: list[dict[str, Any]] = []
        token = None
        while True:
            answer = self.ec2(operation, NextToken=token, **parameters)
            found += answer[member]
            token = answer.get("NextToken")
            if not token:
                return found

    def pause(self, seconds: float = GLANCE) -> None:
        """Wait between two looks at something that changes by itself."""
        time.sleep(seconds)

    def wait(self, look: Callable[[], Any], limit: float) -> Any:
        """Return what ``look`` finds as soon as that is something; None after ``limit`` seconds."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(GLANCE)
        return None


@contextmanager
def here(*, account: str = "", region: str = "") -> Iterator[Here]:
    """Open this home's cloud as an account, by default its first, and a region; wait for jobs at the end."""
    cloud = Cloud.open(Home.default())
    try:
        with cloud.database.reading() as connection:
            found = find_account(connection, account) if account else next(iter(all_accounts(connection)), None)
        if found is None:
            raise CloudError(
                f"There is no account {account}." if account else "The catalogue has no account yet.",
                mend="`goldsmith account list` shows them; `goldsmith init` makes the first.",
            )
        chosen = region or cloud.settings.default_region
        if chosen not in cloud.settings.regions:
            raise CloudError(
                f"There is no region {chosen} here.", mend=f"Choose from: {', '.join(cloud.settings.regions)}."
            )
        yield Here(cloud, found, chosen)
    finally:
        cloud.close()
