"""`make bench`: Goldsmith beside the same work by hand and beside other tools, in one run."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import results
from bench.arena import Arena
from bench.by_hand import ByHand
from bench.goldsmith_cases import Boots, Goldsmith
from bench.measuring import CaseFailedError
from bench.peers import TOOLS, Peer
from bench.workload import DISTRIBUTION
from goldsmith.machines.acceleration import probe
from goldsmith.pipelines.home import Home
from goldsmith.trees.package_cache import PackageCache

RESULTS = Path(__file__).with_name("results.md")
OURS = (ByHand, Goldsmith, Boots)
NAMES = (*(each.name for each in OURS), *(tool.name for tool in TOOLS))


def main() -> None:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with PackageCache(folder / "packages", DISTRIBUTION.archives) as cache:
            arena = Arena(folder, *proxy_of(cache), acceleration=probe(Home.default().machines).kind)
            contestants = present(arena, asked.only)
            for number in range(asked.rounds):
                for contestant in list(contestants):
                    if not took_part(contestant, arena, number):
                        contestants.remove(contestant)
            text = results.write(arena, asked.rounds)
    print(text)
    asked.out.write_text(text)
    print(f"Written to {asked.out}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "3")))
    parser.add_argument("--only", default=os.environ.get("BENCH_ONLY", ",".join(NAMES)), help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    asked.only = asked.only.split(",")
    unknown = [name for name in asked.only if name not in NAMES]
    if unknown or asked.rounds < 1:
        parser.error(f"there are {', '.join(NAMES)}, not {', '.join(unknown)}" if unknown else "rounds start at 1")
    return asked


def proxy_of(cache: PackageCache) -> tuple[str, str]:
    """Return the cache's address, and one option that sends apt there for everything."""
    address = cache.apt_conf.split('"')[1]
    return address, f'Acquire::http::Proxy "{address}"'


def present(arena: Arena, names: list[str]) -> list[ByHand | Goldsmith | Boots | Peer]:
    """Return who takes part, and note who cannot."""
    everybody = [*(each(arena) for each in OURS), *(Peer(tool, arena) for tool in TOOLS)]
    asked = [contestant for contestant in everybody if contestant.name in names]
    for contestant in asked:
        if lacking := contestant.lacking():
            arena.measurements.absent[contestant.name] = lacking
    return [contestant for contestant in asked if contestant.name not in arena.measurements.absent]


def took_part(contestant: ByHand | Goldsmith | Boots | Peer, arena: Arena, number: int) -> bool:
    """Run a round; a peer that fails is noted and left out from there on, what is ours ends the run."""
    try:
        contestant.round(number)
    except (CaseFailedError, ValueError, subprocess.CalledProcessError) as failed:
        if not isinstance(contestant, Peer):
            sys.exit(f"{contestant.name}: {failed}")
        arena.measurements.absent[contestant.name] = f"does not run here: {failed}"
        return False
    return True


if __name__ == "__main__":
    main()
