"""What a pipeline asks of the house around it: the catalogue, the block stores, and the services' own operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.builders.containers.registry import Registry
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.stop import Stop


class RefusedError(GoldsmithError):
    """A service refused an operation; ``code`` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


@dataclass(frozen=True)
class Publication:
    """An AMI that a region at AWS is to have; ``key`` is the KMS key that enciphers it, "" for none of one's own."""

    region: str
    name: str
    description: str
    tags: Mapping[str, str]
    key: str = ""


class Bucket(Protocol):
    """A place of files by key. All raise GoldsmithError for what is not there."""

    def read(self, key: str) -> BinaryIO:
        """Open an object."""

    def write(self, key: str, file: Path) -> None:
        """Put a finished file there, whole or not at all; it may be moved away from where it is."""

    def below(self, prefix: str, most: int) -> list[str]:
        """Return the keys that begin with ``prefix``; one more than ``most`` where there are more."""


class World(Protocol):
    """The cloud as pipelines see it. Accounts are ids of 12 digits."""

    @property
    def home(self) -> Home:
        """Where everything is kept on this host."""

    @property
    def clock(self) -> Callable[[], float]:
        """What gives the time, in seconds since the epoch."""

    @property
    def regions(self) -> Sequence[str]:
        """The names of all regions."""

    def catalog(self, account: str, region: str, *, writes: bool = True) -> AbstractContextManager[Catalog]:
        """Give an account's view of a region in a transaction of its own."""

    def every(self, kind: str, states: Sequence[str] = ()) -> Sequence[Resource]:
        """Return all accounts' resources of a kind in all regions, as they are now: for what the house does itself."""

    def blocks(self, region: str) -> BlockStore:
        """Return the block store of a region."""

    def registry(self, region: str) -> Registry | None:
        """Return the container registry that stands for a region's ECR, None where there is none."""

    def bucket(self, account: str, name: str) -> Bucket:
        """Return a bucket as an account has it."""

    def connection(self, account: str, region: str) -> str:
        """Return what reaches a region that is AWS's own: the same text for regions of the same AWS account.

        It is "" for the regions here, and where ``account`` may not reach it.
        """

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
        """Bring an AMI that ``region`` here has, as DescribeImages shows it, to a region at AWS; return its id there.

        With ``over`` that region at AWS has it already, and AWS copies it. Nothing is done twice, however often it is
        asked. Raises GoldsmithError, and StoppedError.
        """

    def call(self, account: str, region: str, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Run an operation ("RunInstances" of "ec2") as the account, with boto3's parameters, without the wire.

        In a region that is AWS's own, EC2 and the Parameter Store there are asked. Raises RefusedError.
        """

    def keep_disk(
        self, account: str, region: str, disk: Path, *, token: str, name: str, facts: Mapping[str, Any]
    ) -> str:
        """Store a raw disk as a snapshot and register an AMI of it; return the AMI's id.

        It happens once for a ``token``: asked again, it returns the same AMI. ``facts`` are ``description``, ``tags``
        and, to compare the disk with, ``earlier``: the id of an AMI of an earlier version, if any. Nothing is seen
        before all of it is there.
        """
