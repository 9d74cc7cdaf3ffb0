"""What a pipeline's build costs beside `goldsmith build` of the same recipe: `python -m bench.pipelines`, one run."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import EndpointConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).with_name("pipelines.md")
PROGRAM = Path(sys.executable).with_name("goldsmith")
PORT = 8597
FINAL = {"AVAILABLE", "FAILED", "CANCELLED"}
SHARED = ("layers", "packages", "archives")
GLANCE = 0.05

COMPONENT = """\
name: stamp
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Stamp
        action: ExecuteBash
        inputs: {{commands: ["echo {stamp} > /etc/stamp"]}}
  - name: test
    steps:
      - name: Look
        action: ExecuteBash
        inputs: {{commands: ["grep -q {stamp} /etc/stamp"]}}
"""

FILE = """\
name: {name}
imageRecipe:
  name: {name}
  semanticVersion: 1.0.x
  parentImage: debian/12
  components:
    - componentArn: nginx
    - componentArn: ./stamp.yml
imageTestsConfiguration: {{imageTestsEnabled: {tests}}}
"""


@dataclass(frozen=True)
class Case:
    """A recipe of which the last component is another each time."""

    title: str
    tests: bool
    rounds: int


CASES = (
    Case("last component changed, no boot", tests=False, rounds=5),
    Case("with boot and tests", tests=True, rounds=2),
)


def main() -> None:
    """Measure every case and write bench/pipelines.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.pipelines", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the sandbox's user has to pass
        rows = list(_measure(folder))
    text = _table(rows)
    print(text)
    asked.out.write_text(text)


def _measure(folder: Path) -> Iterator[tuple[Case, list[float], list[float]]]:
    """Yield each case with the seconds of both ways, turn about, after one build that fills the caches."""
    alone, served = _home(folder, "alone"), _home(folder, "served")
    environment = {
        **os.environ,
        "AWS_SHARED_CREDENTIALS_FILE": f"{folder}/credentials",
        "AWS_CONFIG_FILE": f"{folder}/config",
    }
    os.environ.update(environment)
    _run(["init", "--endpoint", f"http://127.0.0.1:{PORT}"], served)
    _build(folder, alone, "warm", tests=False)
    server = subprocess.Popen(
        [PROGRAM, "serve", "--port", str(PORT)], env={**os.environ, "GOLDSMITH_HOME": str(served)}
    )
    try:
        builder = _Builder(boto3.Session(profile_name="goldsmith").client("imagebuilder"))
        builder.build("warm", tests=False)
        for case in CASES:
            ours, theirs = [], []
            for number in range(case.rounds):
                stamp = f"{number}-{time.time_ns()}"
                theirs.append(_build(folder, alone, f"a{stamp}", tests=case.tests))
                ours.append(builder.build(f"b{stamp}", tests=case.tests))
            yield case, ours, theirs
    finally:
        server.terminate()
        server.wait()


def _home(folder: Path, name: str) -> Path:
    """Make a home that shares its caches with the other."""
    home = folder / name
    home.mkdir()
    for each in SHARED:
        (folder / each).mkdir(exist_ok=True)
        (home / each).symlink_to(folder / each)
    return home


def _run(arguments: list[str], home: Path) -> None:
    subprocess.run(
        [PROGRAM, *arguments], env={**os.environ, "GOLDSMITH_HOME": str(home)}, check=True, capture_output=True
    )


def _build(folder: Path, home: Path, stamp: str, *, tests: bool) -> float:
    """Return the seconds of `goldsmith build`, from its start to its end."""
    (folder / "stamp.yml").write_text(COMPONENT.format(stamp=stamp))
    file = folder / "pipeline.yml"
    file.write_text(FILE.format(name="bench", tests=str(tests).lower()))
    begun = time.monotonic()
    _run(["build", str(file)], home)
    return time.monotonic() - begun


class _Builder:
    """Builds the same through the API."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.infrastructure = ""

    def build(self, stamp: str, *, tests: bool) -> float:
        """Return the seconds from CreateImage to AVAILABLE."""
        while not self.infrastructure:
            try:
                made = self.client.create_infrastructure_configuration(name="bench", instanceProfileName="bench")
                self.infrastructure = made["infrastructureConfigurationArn"]
            except EndpointConnectionError:
                time.sleep(GLANCE)
        stamped = COMPONENT.format(stamp=stamp)
        component = self.client.create_component(name="stamp", semanticVersion="1.0.0", platform="Linux", data=stamped)[
            "componentBuildVersionArn"
        ]
        nginx = "arn:aws:imagebuilder:us-east-1:aws:component/nginx/x.x.x"
        recipe = self.client.create_image_recipe(
            name="bench",
            semanticVersion="1.0.x",
            parentImage="debian/12",
            components=[{"componentArn": nginx}, {"componentArn": component}],
        )["imageRecipeArn"]
        begun = time.monotonic()
        arn = self.client.create_image(
            imageRecipeArn=recipe,
            infrastructureConfigurationArn=self.infrastructure,
            imageTestsConfiguration={"imageTestsEnabled": tests},
        )["imageBuildVersionArn"]
        while (state := self.client.get_image(imageBuildVersionArn=arn)["image"]["state"])["status"] not in FINAL:
            time.sleep(GLANCE)
        if state["status"] != "AVAILABLE":
            raise SystemExit(f"{arn} is {state}")
        return time.monotonic() - begun


def _table(rows: list[tuple[Case, list[float], list[float]]]) -> str:
    lines = [
        "# A pipeline's build beside `goldsmith build`",
        "",
        "Made by `python -m bench.pipelines`: medians of one run, turn about, caches shared.",
        "Goal: at most 5 % or 1 s more.",
        "",
        "| Case | Rounds | Pipeline | `goldsmith build` | Ratio | Difference |",
        "|---|---|---|---|---|---|",
    ]
    for case, ours, theirs in rows:
        mine, other = statistics.median(ours), statistics.median(theirs)
        figures = f"{mine:.2f} s | {other:.2f} s | {mine / other:.2f} | {mine - other:+.2f} s"
        lines.append(f"| {case.title} | {case.rounds} | {figures} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
