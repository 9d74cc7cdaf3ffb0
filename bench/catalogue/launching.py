"""RunInstances until QEMU runs, for a small and a large image."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from bench.catalogue.world import GIB, served
from goldsmith.catalog.images import ImageStore
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from bench.catalogue.__main__ import Table
    from bench.catalogue.world import World

ROUNDS = 7
LARGE = 64 * GIB
GOAL = 0.5


def measure(table: Table, folder: Path, disk: Path) -> None:
    """Launch each in turn; the clock runs from the request to QEMU's own start as its keeper notes it."""
    with served(folder) as world:
        images = {
            "4 GiB": world.store(disk),
            "64 GiB, with 2 GiB more data": world.store(_padded(folder, disk), size=LARGE),
        }
        taken: dict[str, list[float]] = {name: [] for name in images}
        _launch(world, images["4 GiB"])
        for _ in range(ROUNDS):
            for name, image in images.items():
                taken[name].append(_launch(world, image))
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        table.add(
            f"RunInstances to a running QEMU, image of {name}",
            f"{middle:.2f} s (of {', '.join(f'{each:.2f}' for each in seconds)})",
            f"under {GOAL} s",
            met=middle < GOAL,
        )


def newest_disk(folder: Path) -> Path:
    """Return the newest image that was built here, as a raw disk."""
    store = ImageStore(Home.default().images)
    image = store.all()[0]
    found = store.path(image) / image.disks[0].file
    raw = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(found), str(raw)], check=True)
    return raw


def _padded(folder: Path, disk: Path) -> Path:
    """Return the disk with 2 GiB of data behind it that compress to little, all different."""
    padded = folder / "padded.raw"
    subprocess.run(["cp", "--sparse=always", disk, padded], check=True)
    with padded.open("r+b") as file:
        place = disk.stat().st_size
        for number in range(2 * GIB // (1 << 19)):
            os.pwrite(file.fileno(), number.to_bytes(8, "little") * 64, place + number * (1 << 19))
    os.truncate(padded, place + 2 * GIB)
    return padded


def _launch(world: World, image: str) -> float:
    begun = time.time()
    answer = world.ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1)
    identifier = answer["Instances"][0]["InstanceId"]
    while not (world.home / "instances" / identifier / "state.json").exists():
        time.sleep(0.005)
    taken = time.time() - begun
    world.cloud.instances.remove(identifier)
    world.ec2.terminate_instances(InstanceIds=[identifier])
    return taken
