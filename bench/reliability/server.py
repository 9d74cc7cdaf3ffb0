"""`goldsmith serve` on a home of its own: started, killed, started again."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import all_accounts, create_access_key, create_account
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTS = ("acme", "globex")
REGIONS = ("us-east-1", "eu-central-1", "us-west-2")
GOLDSMITH = str(Path(sys.executable).with_name("goldsmith"))
CACHES = ("packages", "archives")
PR_SET_CHILD_SUBREAPER = 36

SETTINGS = "regions: {" + ", ".join(f"{name}: {{}}" for name in REGIONS) + "}\n"


@contextmanager
def adopting() -> Iterator[None]:
    """Have what a killed server leaves become this process's own for the block, and nobody's after it.

    Orphans that their adopter does not wait for keep the pid namespaces that they were in from ending.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)


@dataclass
class Server:
    """One home's server; it is to be started within `adopting`."""

    home: Path
    port: int
    cloud: Cloud = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.home / "cloud.yml").write_text(SETTINGS)
        ordinary = Home.default().path
        for name in CACHES:
            if (ordinary / name).is_dir():
                (self.home / name).symlink_to(ordinary / name)
        self.cloud = Cloud(Home(self.home))
        self.cloud.database.prepare()
        with self.cloud.database.writing() as connection:
            for name in ACCOUNTS:
                made = create_account(connection, name)
                self.keys[name] = create_access_key(connection, self.cloud.vault, made, "admin", "admin")

    def start(self) -> float:
        """Start it; return the seconds until it answered."""
        begun = time.monotonic()
        environment = {**os.environ, "GOLDSMITH_HOME": str(self.home)}
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [GOLDSMITH, "serve", "--port", str(self.port)], env=environment, stdout=log, stderr=log
            )
        while True:
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/health").close()
                return time.monotonic() - begun
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended: see {self.home / 'serve.log'}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9 it."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Have it end by itself."""
        assert self.process
        self.process.terminate()
        self.process.wait()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of goldsmith on the home."""
        environment = {**os.environ, "GOLDSMITH_HOME": str(self.home)}
        return subprocess.run([GOLDSMITH, *arguments], env=environment, capture_output=True, text=True, check=False)

    def client(self, service: str, account: str, region: str = REGIONS[0]) -> Any:
        """Return a client of an account's administrator."""
        key = self.keys[account]
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def numbers(self) -> dict[str, str]:
        """Return the accounts' names by their ids."""
        with self.cloud.database.reading() as connection:
            return {each.id: each.name for each in all_accounts(connection)}


def descendants() -> dict[int, str]:
    """Return this process's living descendants: their ids and command lines."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found: dict[int, str] = {}
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() != pid:
            with suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                found[pid] = line.decode(errors="replace").strip()
    return found


def reap() -> None:
    """Take note of adopted processes that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_all(pids: list[int]) -> None:
    """End processes of ours that were left."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
