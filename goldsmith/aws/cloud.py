"""All that the APIs stand on: the catalogue, the block stores, the machines, and the jobs that run beside answers."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from goldsmith.aws.settings import Settings
from goldsmith.blocks.store import open_store
from goldsmith.catalog.accounts import find_account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.database import Database
from goldsmith.catalog.vault import Vault
from goldsmith.errors import GoldsmithError
from goldsmith.machines.acceleration import probe
from goldsmith.machines.instances.instances import Instances
from goldsmith.machines.instances.locks import held, is_held
from goldsmith.machines.instances.spec import require_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.accounts import Account
    from goldsmith.pipelines.home import Home

PROMPT_JOBS = 32
"""Jobs that run beside each other at once: instances started and stopped, moments kept. Most of them wait."""

QUEUED_JOBS = 4
"""Long jobs that run beside each other, as copies and imports; others wait for their turn."""

log = logging.getLogger(__name__)


class CloudError(GoldsmithError):
    """The home holds no catalogue yet, or another one than asked for."""


class Builds(Protocol):
    """Who builds what is pending in the catalogue."""

    def submit_pending(self) -> None:
        """Look for images that wait to be built."""

    def cancel(self, arn: str) -> None:
        """End a build whose record asks for it."""


class ElsewhereBuilds:
    """Nobody builds in this process: the home's server does, or does when it starts."""

    def submit_pending(self) -> None:
        """Leave it to the server, which looks by itself."""

    def cancel(self, arn: str) -> None:
        """Leave it to the server."""


class Cloud:
    """One home's catalogue, stores and machines. ``clock`` gives seconds since the epoch."""

    def __init__(self, home: Home, *, clock: Callable[[], float] = time.time) -> None:
        self.home = home
        self.clock = clock
        self.settings = Settings.load(home.path)
        self.database = Database(self.settings.database) if self.settings.database else Database.in_folder(home.path)
        self.builds: Builds = ElsewhereBuilds()
        self._stores: dict[str, BlockStore] = {}
        self._lock = threading.Lock()
        self._prompt = ThreadPoolExecutor(PROMPT_JOBS, thread_name_prefix="job")
        self._queue = ThreadPoolExecutor(QUEUED_JOBS, thread_name_prefix="long job")

    @classmethod
    def open(cls, home: Home) -> Cloud:
        """Open the cloud of a home that `goldsmith init` has made one in. Raises CloudError otherwise."""
        cloud = cls(home)
        if not (cloud.settings.database or (home.path / "catalog.sqlite").exists()):
            raise CloudError(f"There is no catalogue in {home.path} yet.", mend="Make one: goldsmith init")
        cloud.database.prepare()
        return cloud

    @cached_property
    def vault(self) -> Vault:
        """Where secrets are sealed."""
        return Vault.open(self.home.vault_key)

    @cached_property
    def instances(self) -> Instances:
        """The instances and volumes of this host."""
        acceleration = probe(self.home.machines)
        return Instances(self.home.instances, self.home.volumes, acceleration)

    @contextmanager
    def locked(self, identifier: str) -> Iterator[None]:
        """Keep all other jobs, of other processes too, off one resource's machine or data for the block."""
        with held(self._turn(identifier)):
            yield

    def is_locked(self, identifier: str) -> bool:
        """Tell whether a job has a resource's machine or data now."""
        return is_held(self._turn(identifier))

    def _turn(self, identifier: str) -> Path:
        folder = self.home.path / "turns"
        folder.mkdir(exist_ok=True)
        return folder / f"{require_id(identifier)}.lock"

    def blocks(self, region: str) -> BlockStore:
        """Return the block store of a region."""
        with self._lock:
            if region not in self._stores:
                url = self.settings.regions[region].blocks or (self.home.blocks / region).as_uri()
                self._stores[region] = open_store(url)
            return self._stores[region]

    def zones(self, region: str) -> list[str]:
        """Return the names of a region's availability zones."""
        return [f"{region}{letter}" for letter in "abcdef"[: self.settings.regions[region].zones]]

    @contextmanager
    def catalog(self, account: Account | str, region: str, *, writes: bool = True) -> Iterator[Catalog]:
        """Give an account's view of a region in a transaction of its own."""
        opened = self.database.writing() if writes else self.database.reading()
        with opened as connection:
            if isinstance(account, str):
                account = _require(find_account(connection, account), account)
            yield Catalog(connection, account, region)

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job beside others; one that raises is logged, as it should have recorded its failure."""
        self._prompt.submit(self._run, job)

    def queue(self, job: Callable[[], None]) -> None:
        """Run a long job when it is its turn."""
        self._queue.submit(self._run, job)

    def close(self) -> None:
        """Wait for the jobs that have begun and close the database."""
        self._prompt.shutdown(wait=True)
        self._queue.shutdown(wait=True)
        self.database.close()

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            log.exception("A job failed: %s", getattr(job, "__qualname__", repr(job)))


def _require(account: Account | None, name: str) -> Account:
    if account is None:
        raise CloudError(f"There is no account {name}.", mend="`goldsmith account list` shows them.")
    return account
