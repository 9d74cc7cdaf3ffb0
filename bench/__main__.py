"""`make bench`: Goldsmith beside the same work by hand, and beside other tools that are installed, in one run."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goldsmith.trees.distributions import debian
from goldsmith.trees.package_cache import PackageCache

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
HERE = Path(__file__).parent
GOLDSMITH = Path(sys.executable).parent / "goldsmith"
MEMORY = Path("/dev/shm")

PIPELINE = """\
name: bench
imageRecipe:
  name: bench
  semanticVersion: 1.0.0
  parentImage: debian/12
  components:
    - componentArn: ./nginx.yml
    - componentArn: ./page.yml
imageTestsConfiguration: {imageTestsEnabled: %s}
"""
NGINX = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Install
        action: ExecuteBash
        inputs: {commands: ["apt-get update -q && apt-get install -q -y --no-install-recommends nginx"]}
"""
PAGE = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Page
        action: CreateFile
        inputs: [{path: /var/www/html/index.html, content: "%s"}]
"""


class Bench:
    """Runs cases in turn, round by round, so that a slow minute of the machine hits all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, list[float]] = {}
        self.facts: dict[str, str] = {}

    def time(self, case: str, argv: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        begun = time.monotonic()
        done = subprocess.run(argv, capture_output=True, text=True, check=False, **more)
        if done.returncode:
            sys.exit(f"{case} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        self.record(case, time.monotonic() - begun)
        return done

    def record(self, case: str, seconds: float) -> None:
        self.seconds.setdefault(case, []).append(seconds)
        print(f"{case}: {seconds:.2f} s", flush=True)

    def median(self, case: str) -> float:
        return statistics.median(self.seconds[case])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        bench = Bench(folder)
        for number in range(ROUNDS):
            round_of(bench, number)
        report(bench)


def round_of(bench: Bench, number: int) -> None:
    by_hand(bench, number)
    home = bench.folder / f"home{number}"
    documents = bench.folder / "documents"
    documents.mkdir(exist_ok=True)
    (documents / "nginx.yml").write_text(NGINX)
    (documents / "page.yml").write_text(PAGE % f"first {number}")
    pipeline = documents / "bench.yml"
    pipeline.write_text(PIPELINE % "false")
    env = {**os.environ, "GOLDSMITH_HOME": str(home)}
    command = [str(GOLDSMITH), "build", str(pipeline), "--json"]
    cold = bench.time("goldsmith, cold, to the sealed qcow2", command, env=env)
    bench.facts["image"] = str(json.loads(cold.stdout[cold.stdout.index("{\n") :])["disks"][0]["size"] >> 20) + " MiB"
    for kept in ("layers", "images"):
        shutil.rmtree(home / kept)
    bench.time("goldsmith, packages cached", command, env=env)
    bench.time("goldsmith, nothing changed", command, env=env)
    (documents / "page.yml").write_text(PAGE % f"second {number}")
    bench.time("goldsmith, last component changed", command, env=env)
    if number == 0:
        pipeline.write_text(PIPELINE % "true")
        tested = bench.time("goldsmith, sealed from cache and tested", command, env=env)
        image = json.loads(tested.stdout[tested.stdout.index("{\n") :])
        bench.record("boot to tests passed", sum(boot["seconds"] for boot in image["boot"]))
    shutil.rmtree(home)


def by_hand(bench: Bench, number: int) -> None:
    distribution = debian("12")
    packages = ",".join((*distribution.packages, "nginx"))
    lines = [archive.source_line for archive in distribution.archives]
    out = bench.folder / "by-hand.qcow2"
    work = MEMORY / f"goldsmith-bench-{os.getpid()}"
    script = str(HERE / "by_hand.sh")
    try:
        bench.time("by hand, cold", [script, "bake", str(work), str(out), "", packages, distribution.codename, *lines])
        shutil.rmtree(work)
        with PackageCache(bench.folder / "debs", distribution.archives) as cache:
            conf = cache.apt_conf.strip().rstrip(";")
            argv = [script, "bake", str(work), str(out), conf, packages, distribution.codename, *lines]
            if number == 0:
                subprocess.run(argv, check=True, capture_output=True)
                shutil.rmtree(work)
            bench.time("by hand, packages cached", argv)
        bench.time("by hand, one file changed", [script, "change", str(work), str(out)])
        bench.facts["image by hand"] = f"{out.stat().st_size >> 20} MiB"
    finally:
        shutil.rmtree(work, ignore_errors=True)


PAIRS = (
    ("goldsmith, cold, to the sealed qcow2", "by hand, cold", "at most 1.05"),
    ("goldsmith, packages cached", "by hand, packages cached", "below 1.00"),
    ("goldsmith, last component changed", "by hand, one file changed", "under 3 s"),
)


def report(bench: Bench) -> None:
    lines = [
        "# Measured by `make bench`",
        "",
        f"Medians of {ROUNDS}, one run, {os.cpu_count()} cores. Seconds are this machine's; the ratios are the point.",
        "",
        "| case | seconds (median) | all |",
        "|---|---|---|",
    ]
    for case, seconds in bench.seconds.items():
        lines.append(f"| {case} | {bench.median(case):.2f} | {', '.join(f'{each:.2f}' for each in seconds)} |")
    lines += ["", "| ratio | value | goal |", "|---|---|---|"]
    for ours, theirs, goal in PAIRS:
        lines.append(f"| {ours} / {theirs} | {bench.median(ours) / bench.median(theirs):.2f} | {goal} |")
    lines += ["", *(f"- {name}: {value}" for name, value in bench.facts.items()), ""]
    (HERE / "results.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
