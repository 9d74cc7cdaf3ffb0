"""A fresh disk into the block store, beside sha256sum of the same file."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from goldsmith.blocks.disk_files import store_disk
from goldsmith.blocks.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from bench.catalogue.__main__ import Table

ROUNDS = 3
MIB = 1 << 20


def measure(table: Table, folder: Path, disk: Path) -> None:
    """Take the medians of interleaved rounds; the file is in the page cache for both."""
    folder.mkdir()
    data = _data_of(disk, folder / "data")
    ours, theirs, stored, again = [], [], 0, []
    for number in range(ROUNDS):
        theirs.append(
            _seconds(lambda: subprocess.run(["sha256sum", folder / "data"], check=True, stdout=subprocess.DEVNULL))
        )
        store = open_store((folder / str(number)).as_uri())
        with store.writing() as writing:
            ours.append(_seconds(lambda w=writing: w.save(store_disk(w, disk))))
            stored = writing.stored_bytes
        with store.writing() as writing:
            again.append(_seconds(lambda w=writing: w.save(store_disk(w, disk))))
        shutil.rmtree(folder / str(number))
    ratio = statistics.median(ours) / statistics.median(theirs)
    table.add(
        f"hash, compress and store a disk with {data / MIB:.0f} MiB of data, against sha256sum of that data",
        f"{statistics.median(ours):.2f} s of {statistics.median(theirs):.2f} s: {ratio:.2f}",
        "under 2.00",
        met=ratio < 2,
    )
    table.add("what it takes in the store", f"{stored / MIB:.0f} MiB")
    table.add("storing the same disk again", f"{statistics.median(again):.2f} s, 0 new blocks")


def _data_of(disk: Path, file: Path) -> int:
    """Write the data of a sparse disk to a file without holes; return its bytes."""
    with disk.open("rb") as source, file.open("wb") as out:
        place = 0
        while True:
            try:
                begin = os.lseek(source.fileno(), place, os.SEEK_DATA)
            except OSError:
                return out.tell()
            place = os.lseek(source.fileno(), begin, os.SEEK_HOLE)
            while begin < place:
                begin += os.sendfile(out.fileno(), source.fileno(), begin, place - begin)
            out.seek(0, os.SEEK_END)


def _seconds(work: object) -> float:
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begun
