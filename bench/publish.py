"""Publishing to AWS beside a plain client, in one run: bytes against the least, seconds; writes bench/publish.md.

Both send the same disk to a served home through a proxy that answers each block late. The plain client is the loop that
one writes first: each block that is not zeros, one after the other.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3

from bench.catalogue.__main__ import Table, render
from bench.catalogue.world import REGION, served
from goldsmith.blocks.block_map import BLOCK
from goldsmith.pipelines.progress import Stages
from goldsmith.publish.aws.clients import Clients
from goldsmith.publish.aws.publishing import publish_to_aws
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
from goldsmith.publish.source import Facts, FileBlocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.publish.source import Blocks, Progress

RESULTS = Path(__file__).with_name("publish.md")
BLOCKS = 192
"""96 MiB, at every second place of the disk."""

DELAYS = (0.0, 0.02, 0.1)
CHANGED = 5
PROFILE = "goldsmith"


class Disk:
    """A raw file as what is published."""

    def __init__(self, raw: Path, build: int) -> None:
        self._raw = raw
        self.facts = Facts(f"bench/1.0.0/{build}", "bench", created="2026-01-01T00:00:00+00:00")

    @contextmanager
    def raw(self) -> Iterator[Path]:
        yield self._raw

    @contextmanager
    def blocks(self, progress: Progress | None = None) -> Iterator[Blocks]:
        with FileBlocks.opened(self._raw, progress) as blocks:
            yield blocks

    def output(self, form: str) -> Path | None:  # noqa: ARG002 - it has none
        return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        measure(table, Path(name))
    asked.out.write_text(render(table).replace("# The catalogue, measured", "# Publishing to AWS, measured"))
    print(f"Written to {asked.out}")


def measure(table: Table, folder: Path) -> None:
    """Send a disk of its own to each client at each delay, then a changed one."""
    with served(folder / "home") as world:
        os.environ |= {
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "home" / "credentials"),
            "AWS_CONFIG_FILE": str(folder / "home" / "config"),
        }
        for number, delay in enumerate(DELAYS):
            with _wire(world.url, delay) as wire:
                disk = Disk(_disk(folder / f"plain{number}"), number)
                plain = _timed(lambda url=wire.url, disk=disk: _plain(url, disk))  # type: ignore[misc]
            with _wire(world.url, delay) as ours_wire:
                disk = Disk(_disk(folder / f"ours{number}"), number)
                ours = _timed(lambda url=ours_wire.url, disk=disk: _ours(url, disk, folder))  # type: ignore[misc]
            ratio = ours_wire.carried / (BLOCKS * BLOCK)
            what = f"{BLOCKS} blocks (96 MiB), each answered {delay * 1000:.0f} ms late"
            table.add(f"{what}: bytes sent of the least", f"{ratio:.2f}", "1.00", met=ratio == 1)
            table.add(f"{what}: seconds", f"{ours:.1f}, a plain client {plain:.1f} ({ours / plain:.2f})")
        with _wire(world.url, DELAYS[1]) as wire:
            place = _disk(folder / "versions")
            _ours(wire.url, Disk(place, len(DELAYS)), folder)
            with place.open("r+b") as file:
                for index in range(CHANGED):
                    file.seek(index * 2 * BLOCK)
                    file.write(os.urandom(BLOCK))
            again = _timed(lambda: _ours(wire.url, Disk(place, len(DELAYS) + 1), folder))
        ratio = wire.carried / ((BLOCKS + CHANGED) * BLOCK)
        what = f"a version and the next one, {CHANGED} blocks of which are new"
        table.add(
            f"{what}: bytes sent of the least", f"{ratio:.2f}, the second in {again:.1f} s", "1.00", met=ratio == 1
        )


class Wire:
    """The proxy's address, and what it carried once it has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.carried = 0


@contextmanager
def _wire(url: str, delay: float) -> Iterator[Wire]:
    place = urlsplit(url)
    argv = [sys.executable, "-m", "bench.late_wire", str(place.hostname), str(place.port), str(delay)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        wire = Wire(f"http://127.0.0.1:{process.stdout.readline().strip() if process.stdout else ''}")
        try:
            yield wire
        finally:
            wire.carried = int(process.communicate()[0])


def _disk(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(1 << 30)
        for index in range(BLOCKS):
            file.seek(index * 2 * BLOCK)
            file.write(os.urandom(BLOCK))
    return path


def _timed(work: object) -> float:
    began = time.monotonic()
    work()  # type: ignore[operator]
    return time.monotonic() - began


def _plain(url: str, disk: Disk) -> None:
    ebs = boto3.Session(profile_name=PROFILE).client("ebs", region_name=REGION, endpoint_url=url)
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    with disk.blocks() as blocks:
        for index in blocks.map.indexes_from(0):
            data = blocks.read(index)
            ebs.put_snapshot_block(
                SnapshotId=snapshot,
                BlockIndex=index,
                BlockData=data,
                DataLength=BLOCK,
                Checksum=base64.b64encode(hashlib.sha256(data).digest()).decode(),
                ChecksumAlgorithm="SHA256",
            )
        ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(blocks.map))


def _ours(url: str, disk: Disk, folder: Path) -> None:
    wanted = AwsWanted((RegionWanted(REGION, disk.facts.reference),))
    publish_to_aws(disk, wanted, Clients(PROFILE, url), folder / "journal", Stages(lambda _: None))


if __name__ == "__main__":
    main()
