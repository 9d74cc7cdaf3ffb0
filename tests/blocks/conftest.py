"""What the tests of stores share: one of each kind, and disks of few different blocks."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.file_store import FileStore
from goldsmith.blocks.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.blocks.store import BlockStore, Collected


class Clock:
    """The S3 server's, which goes on when told."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 1, 1)  # noqa: DTZ001  the server's have no zone

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def s3_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def s3_endpoint(s3_clock: Clock) -> Iterator[str]:
    """An S3 server on loopback, and credentials for it in the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        environment.setattr("moto.s3.models.utcnow", s3_clock)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def s3_url(s3_endpoint: str, request: pytest.FixtureRequest) -> str:
    """A new prefix of a bucket."""
    boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1").create_bucket(Bucket="blocks")
    return f"s3://blocks/{os.urandom(4).hex()}?endpoint_url={s3_endpoint}&region=us-east-1"


@pytest.fixture
def file_store(tmp_path: Path) -> BlockStore:
    return open_store(f"file://{tmp_path}/store")


@pytest.fixture
def s3_store(s3_url: str) -> BlockStore:
    return open_store(s3_url)


@pytest.fixture(params=["file_store", "s3_store"])
def store(request: pytest.FixtureRequest) -> BlockStore:
    return request.getfixturevalue(request.param)


@pytest.fixture
def time_passes(s3_clock: Clock) -> Callable[[BlockStore, float], None]:
    """Let all that a store has become older by some seconds."""

    def wait(store: BlockStore, seconds: float) -> None:
        s3_clock.advance(seconds)
        if isinstance(store, FileStore):
            root = Path(urlsplit(store.url).path)
            for path in (*root.glob("blocks/??/*"), *root.glob("maps/*"), *root.glob("writings/*/*")):
                written = path.stat().st_mtime_ns - int(seconds * 1e9)
                os.utime(path, ns=(written, written))

    return wait


@pytest.fixture
def swept(time_passes: Callable[[BlockStore, float], None]) -> Callable[..., list[Collected]]:
    """Collect twice, as an S3 store removes in the second collection what it condemned in the first."""

    def sweep(store: BlockStore, live: list[str], digests: tuple[bytes, ...] = ()) -> list[Collected]:
        found = []
        for _ in range(2):
            time_passes(store, 1)
            found.append(store.collect(live, digests, grace=0))
            time_passes(store, 1)
        return found

    return sweep


@pytest.fixture
def block() -> Callable[[int], bytes]:
    """A block for each number; those of other numbers are other blocks, and that of 0 is zeros."""
    return lambda number: number.to_bytes(8, "little") * (BLOCK // 8)


@pytest.fixture
def saved(block: Callable[[int], bytes]) -> Callable[..., str]:
    """Save a disk of the blocks of these numbers, None where there is none; return its map's name."""

    def save(store: BlockStore, *numbers: int | None) -> str:
        with store.writing() as writing:
            placed = {index: writing.put(block(n)) for index, n in enumerate(numbers) if n is not None}
            return writing.save(BlockMap(len(numbers) * BLOCK, placed))

    return save
