"""One of the stress test's writers: saves, records, reads and deletes snapshots as fast as it can.

Run as a program: STORE_URL RECORDS_FOLDER SEED ROUNDS. A record is a file whose name begins with the map's.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.blocks.store import open_store


def main(url: str, records: Path, seed: int, rounds: int) -> None:
    store = open_store(url)
    chance = random.Random(seed)  # noqa: S311  a test's
    mine: list[Path] = []
    for turn in range(rounds):
        with store.writing() as writing:
            numbers = [chance.randint(1, 12) for _ in range(3)]
            blocks = {at: writing.put(number.to_bytes(8, "little") * (BLOCK // 8)) for at, number in enumerate(numbers)}
            name = writing.save(BlockMap(3 * BLOCK, blocks))
            record = records / f"{name}.{seed}.{turn}"
            record.touch()
        mine.append(record)
        seen = chance.choice(mine)
        for digest in store.load_map(seen.name.partition(".")[0]).digests():
            store.get(digest)
        while len(mine) > 1:
            mine.pop(chance.randrange(len(mine))).unlink()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
