"""One call as a handler gets it: who asks, where, and the catalogue as they may see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.aws.models import Operation
    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.accounts import Account, Credential
    from goldsmith.catalog.catalog import Catalog


@dataclass
class Call:
    """One call. A handler changes the catalogue only; disks and machines are for what it gives to `later`.

    The catalogue's changes are seen by others when the handler has returned, and are undone when it raises or the
    caller only wanted a dry run; `later` is then never called.
    """

    operation: Operation
    caller: Credential
    region: str
    cloud: Cloud
    catalog: Catalog
    request_id: str
    now: float
    jobs: list[Callable[[], None]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The caller's account."""
        return self.caller.account

    @property
    def blocks(self) -> BlockStore:
        """The block store of the call's region."""
        return self.cloud.blocks(self.region)

    def later(self, job: Callable[[], None]) -> None:
        """Run ``job`` after the answer's changes are in the catalogue, beside other jobs, in a thread of its own.

        It opens transactions of its own (`Cloud.catalog`), and must itself record when it fails.
        """
        self.jobs.append(job)

    def queue(self, job: Callable[[], None]) -> None:
        """Run ``job``, which takes long, like `later` but when it is its turn."""
        self.jobs.append(partial(self.cloud.queue, job))
