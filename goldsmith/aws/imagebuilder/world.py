"""The cloud as pipelines see it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from goldsmith.aws.buckets import open_bucket
from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.regions_at_aws import RegionsAtAws
from goldsmith.aws.kept_disks import keep_disk
from goldsmith.aws.models import find_operation
from goldsmith.catalog.accounts import Credential, find_account
from goldsmith.catalog.resources import every
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from goldsmith.aws.buckets import Bucket
    from goldsmith.aws.cloud import Cloud
    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.builders.containers.registry import Registry
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.stop import Stop
    from goldsmith.pipelines.world import Publication

USER = "imagebuilder"
"""The name under which pipelines act in their account."""


class CloudWorld:
    """A cloud, asked in process as the account of a pipeline; see `goldsmith.pipelines.world.World`."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def home(self) -> Home:
        """Where everything is kept on this host."""
        return self.cloud.home

    @property
    def clock(self) -> Callable[[], float]:
        """What gives the time, in seconds since the epoch."""
        return self.cloud.clock

    @property
    def regions(self) -> Sequence[str]:
        """The names of all regions."""
        return tuple(self.cloud.settings.regions)

    def catalog(self, account: str, region: str, *, writes: bool = True) -> AbstractContextManager[Catalog]:
        """Give an account's view of a region in a transaction of its own."""
        return self.cloud.catalog(account, region, writes=writes)

    def every(self, kind: str, states: Sequence[str] = ()) -> Sequence[Resource]:
        """Return all accounts' resources of a kind in all regions."""
        with self.cloud.database.reading() as connection:
            return list(every(connection, kind, states=states))

    def blocks(self, region: str) -> BlockStore:
        """Return the block store of a region."""
        return self.cloud.blocks(region)

    def registry(self, region: str) -> Registry | None:
        """Return the container registry that stands for a region's ECR, None where there is none."""
        return self.cloud.settings.registries.get(region)

    def bucket(self, account: str, name: str) -> Bucket:
        """Return a bucket as an account has it."""
        return open_bucket(self.cloud, account, name)

    def connection(self, account: str, region: str) -> str:
        """Return what reaches a region that is AWS's own, "" for any other."""
        return self._at_aws.connection(account, region)

    def publish(
        self,
        account: str,
        region: str,
        image: Mapping[str, Any],
        wanted: Publication,
        *,
        over: Publication | None = None,
        say: Callable[[str], None],
        stop: Stop,
    ) -> str:
        """Bring an AMI of ``region`` here to a region at AWS; return its id there."""
        return self._at_aws.publish(account, region, image, wanted, over=over, say=say, stop=stop)

    def call(self, account: str, region: str, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Run an operation as the account, here or at AWS. Raises RefusedError."""
        if self._at_aws.find(account, region):
            return self._at_aws.call(region, service, operation, parameters)
        found = find_operation(service, operation)
        if found is None:
            raise LookupError(f"{service} has no operation {operation}")
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return self._dispatcher.call(self.credential(account), region, found, given)
        except AwsError as refused:
            raise RefusedError(refused.code, refused.message) from refused

    def keep_disk(
        self, account: str, region: str, disk: Path, *, token: str, name: str, facts: Mapping[str, Any]
    ) -> str:
        """Store a raw disk as a snapshot and register an AMI of it, once for a token; return the AMI's id."""
        return keep_disk(self.cloud, account, region, disk, token=token, name=name, facts=facts)

    @cached_property
    def _at_aws(self) -> RegionsAtAws:
        return RegionsAtAws(self.cloud)

    @cached_property
    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(self.cloud)

    def credential(self, account: str) -> Credential:
        """Return the credential with which pipelines act as an account."""
        with self.cloud.database.reading() as connection:
            found = find_account(connection, account)
        if found is None:
            raise GoldsmithError(f"There is no account {account} here.")
        return Credential(USER, "", found, USER, "admin")
