# ruff: noqa: T201 - a program that prints
"""moto's own tests against Goldsmith: what passes, and why the rest does not.

    python -m tests.conformance.moto CHECKOUT [--only WORD] [--verified]

CHECKOUT is a checkout of github.com/getmoto/moto; nothing is fetched. Its tests run in moto's server mode, which takes
the package moto (and freezegun, which they import) in the Python that runs this, or in the one of --python. A failure
is expected when an operation or service that Goldsmith does not answer is asked for, or when moto.yml says why; any
other ends this with 1, and so does a test that moto.yml expects to fail and that passes.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

from tests.conformance.world import every_region, served

SUITES = {
    "AMIs": ("test_ec2/test_amis.py",),
    "launch templates": ("test_ec2/test_launch_templates.py",),
    "instances": ("test_ec2/test_instances.py", "test_ec2/test_general.py", "test_ec2/test_windows.py"),
    "volumes and snapshots": ("test_ec2/test_elastic_block_store.py",),
    "EBS direct": ("test_ebs/test_ebs.py",),
    "key pairs": ("test_ec2/test_key_pairs.py",),
    "security groups": ("test_ec2/test_security_groups.py",),
    "tags": ("test_ec2/test_tags.py",),
    "fleets": ("test_ec2/test_fleets.py",),
    "instance types": ("test_ec2/test_instance_types.py", "test_ec2/test_instance_type_offerings.py"),
    "instance profiles": ("test_ec2/test_iam_integration.py",),
    "regions, zones, account": (
        "test_ec2/test_regions.py",
        "test_ec2/test_availability_zones_and_regions.py",
        "test_ec2/test_account_attributes.py",
    ),
    "SSM parameters": (
        "test_ssm/test_ssm.py",
        "test_ssm/test_ssm_parameterstore.py",
        "test_ssm/test_ssm_default_amis.py",
        "test_ssm/test_ssm_ec2_integration.py",
    ),
    "STS": ("test_sts/test_sts.py", "test_sts/test_sts_integration.py"),
    "Auto Scaling": (
        "test_autoscaling/test_autoscaling.py",
        "test_autoscaling/test_autoscaling_groups.py",
        "test_autoscaling/test_autoscaling_group_filters.py",
        "test_autoscaling/test_autoscaling_tags.py",
    ),
}
UNANSWERED = re.compile(r"Goldsmith does not answer (?:the service )?([\w-]+)")
NOT_ASKED = "not asked for"
REASONS = Path(__file__).with_name("moto.yml")
LONGEST = 3600.0
"""Seconds for all suites."""


@dataclass(frozen=True)
class Reason:
    """Why some tests fail: a kind of reason, words, patterns of file::test, and what failures say that are of it."""

    kind: str
    words: str
    tests: tuple[str, ...] = ()
    says: str = ""

    def covers(self, test: str) -> bool:
        """Tell whether a test is among these."""
        return any(fnmatchcase(test.replace("[", "<"), pattern.replace("[", "<")) for pattern in self.tests)

    def explains(self, outcome: Outcome) -> bool:
        """Tell whether a failure is of this reason."""
        return self.covers(outcome.test) or bool(self.says and re.search(self.says, outcome.said))


@dataclass(frozen=True)
class Outcome:
    """How one test went: passed, skipped or failed, and what a failure said."""

    suite: str
    test: str
    went: str
    said: str = ""


def main() -> int:
    """Run the suites and print what came of them as Markdown."""
    logging.basicConfig(level=logging.ERROR)
    arguments = _arguments()
    reasons = [
        Reason(each["kind"], each["reason"], tuple(each.get("tests", ())), each.get("says", ""))
        for each in yaml.safe_load(REASONS.read_text())
    ]
    wanted = {suite: files for suite, files in SUITES.items() if arguments.only in suite}
    with (
        tempfile.TemporaryDirectory(prefix="goldsmith-conformance-") as folder,
        served(Path(folder), every_region()) as url,
    ):
        chosen = ["-m", "aws_verified"] if arguments.verified else []
        outcomes = _run([arguments.python, "-m", "pytest", *chosen], arguments.checkout, url, wanted)
    failed = {each: _why(each, reasons) for each in outcomes if each.went == "failed"}
    unexplained = [each for each, why in failed.items() if why is None]
    mended = [each for each in outcomes if each.went == "passed" and any(why.covers(each.test) for why in reasons)]
    _print_table(outcomes, failed)
    _print_reasons(failed)
    for each in unexplained:
        print(f"UNEXPLAINED {each.test}: {each.said}")
    for each in mended:
        print(f"PASSES AFTER ALL {each.test}")
    return 1 if unexplained or mended else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run moto's tests against Goldsmith.")
    parser.add_argument("checkout", type=Path, help="a checkout of github.com/getmoto/moto")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs moto's tests")
    parser.add_argument("--only", default="", help="a word in the name of the suites to run")
    parser.add_argument("--verified", action="store_true", help="only tests that moto's makers ran against AWS itself")
    return parser.parse_args()


def _run(pytest: list[str], checkout: Path, url: str, suites: dict[str, tuple[str, ...]]) -> list[Outcome]:
    files = {f"tests/{file}": suite for suite, files in suites.items() for file in files}
    environment = {
        **os.environ,
        "TEST_SERVER_MODE": "true",
        "TEST_SERVER_MODE_ENDPOINT": url,
        "TESTS_SKIP_REQUIRES_DOCKER": "true",
        "PYTHONPATH": "",
    }
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        argv = [*pytest, "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--tb=line", "--no-header"]
        subprocess.run(
            [*argv, f"--junitxml={report.name}", *files],
            cwd=checkout,
            env=environment,
            timeout=LONGEST,
            check=False,
            stdout=sys.stderr,
        )
        cases = ET.parse(report.name).iter("testcase")  # noqa: S314 - pytest's own
        return [_read(case, files) for case in cases]


def _read(case: ET.Element, files: dict[str, str]) -> Outcome:
    module = f"{case.get('classname')}."
    file = next(file for file in files if module.startswith(f"{file.removesuffix('.py').replace('/', '.')}."))
    test = f"{Path(file).name}::{case.get('name')}"
    for went, tag in (("skipped", "skipped"), ("failed", "failure"), ("failed", "error")):
        if (found := case.find(tag)) is not None:
            said = f"{found.get('message') or ''} {found.text or ''}"
            return Outcome(files[file], test, went, " ".join(said.split())[:600])
    return Outcome(files[file], test, "passed")


def _why(outcome: Outcome, reasons: list[Reason]) -> Reason | None:
    if found := next((reason for reason in reasons if reason.explains(outcome)), None):
        return found
    if asked := UNANSWERED.search(outcome.said):
        return Reason(NOT_ASKED, asked[1])
    return None


def _print_table(outcomes: list[Outcome], failed: dict[Outcome, Reason | None]) -> None:
    kinds = sorted({why.kind for why in failed.values() if why})
    print(f"| suite | run | passed | {' | '.join(kinds)} |")
    print(f"|---{'|---:' * (2 + len(kinds))}|")
    total: Counter[str] = Counter()
    for suite in dict.fromkeys(each.suite for each in outcomes):
        counted = Counter(
            (why.kind if (why := failed.get(each)) else each.went) for each in outcomes if each.suite == suite
        )
        counted["run"] = sum(counted.values()) - counted["skipped"]
        total += counted
        print(_row(suite, counted, kinds))
    print(_row("**all**", total, kinds))


def _row(name: str, counted: Counter[str], kinds: list[str]) -> str:
    return f"| {name} | {' | '.join(str(counted[each]) for each in ('run', 'passed', *kinds))} |"


def _print_reasons(failed: dict[Outcome, Reason | None]) -> None:
    for kind in sorted({why.kind for why in failed.values() if why}):
        counted = Counter(why.words for why in failed.values() if why and why.kind == kind)
        print(f"\n{kind}:\n")
        for words, count in counted.most_common():
            print(f"- {words}: {count}")


if __name__ == "__main__":
    sys.exit(main())
