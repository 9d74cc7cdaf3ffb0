"""What must hold when all builds are over: each ended once, each AMI is there once and whole, nothing else is left."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bench.reliability.server import descendants, reap
from goldsmith.catalog.resources import every
from goldsmith.pipelines.engine.states import ENDS

if TYPE_CHECKING:
    from bench.reliability.killing import Killing
    from bench.reliability.server import Server
    from goldsmith.catalog.resources import Resource

GONE = ("terminated",)


@dataclass
class Findings:
    """What was checked, and what was wrong with it."""

    checked: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, left: list[str], *, of: str = "none") -> None:
        """Note a check of which everything in ``left`` is wrong."""
        self.checked.append((what, f"**{len(left)}**" if left else of))
        self.wrong += [f"{what}: {each}" for each in left]


def check_builds(server: Server, killing: Killing, found: Findings) -> Counter[str]:
    """Check how the builds ended, which was told of that, and that their AMIs are there; return how many ended how."""
    images = {each.id: each for each in _all(server, "image-build")}
    missing = [arn for arn in killing.images if arn not in images]
    found.expect("builds that were begun and have no record", missing)
    unended = [f"{image.id} is {image.state}" for image in images.values() if image.state not in ENDS]
    found.expect("builds that did not end", unended)
    mute = [image.id for image in images.values() if image.state == "FAILED" and not _reason(image)]
    found.expect("builds that failed without a reason", mute)
    _check_events(server, images, found)
    _check_amis(server, images, found)
    for kind in ("workflow-execution", "workflow-step"):
        hanging = [f"{each.id} {each.state}" for each in _all(server, kind) if each.state in {"RUNNING", "PENDING"}]
        found.expect(f"{kind}s that never ended", hanging)
    return Counter(image.state for image in images.values())


def reasons(server: Server) -> list[str]:
    """Return why builds failed."""
    return [f"{each.id}: {_reason(each)}" for each in _all(server, "image-build") if each.state == "FAILED"]


def check_services(server: Server, found: Findings) -> None:
    """Check that nothing temporary is left in the accounts."""
    with_amis = {snapshot for image in _all(server, "image") for snapshot in _snapshots(image)}
    snapshots = _all(server, "snapshot")
    found.expect("snapshots without an AMI", [each.id for each in snapshots if each.id not in with_amis])
    found.expect("snapshots not completed", [each.id for each in snapshots if each.state != "completed"])
    found.expect("instances", [each.id for each in _all(server, "instance") if each.state not in GONE])
    found.expect("volumes", [each.id for each in _all(server, "volume")])
    found.expect("key pairs", [each.name for each in _all(server, "key-pair")])
    groups = [each.name for each in _all(server, "security-group") if "default" not in each.name]
    found.expect("security groups", groups)


def check_host(server: Server, found: Findings) -> None:
    """Check, after the server has ended, that nothing of it is left on the host."""
    reap()
    found.expect("processes", [f"{pid} {line[:200]}" for pid, line in descendants().items()])
    found.expect("mounts", [line for line in Path("/proc/mounts").read_text().splitlines() if str(server.home) in line])
    home = server.home
    found.expect("work areas", _names(home / "work", "*"))
    found.expect("layers half stored", _names(home / "layers", ".arriving-*"))
    found.expect("lock files of builds", _names(home / "turns", "step-*"))
    found.expect("instances' folders", _names(home / "instances", "i-*"))
    found.expect("volumes' folders", _names(home / "volumes", "vol-*"))
    found.expect("records of build instances", _names(home / "imagebuilder", "**/instances/*"))
    found.expect("raw disks", [str(each) for each in (home / "imagebuilder").rglob("*.raw*")])
    checked = server.run("storage", "check", "--json")
    stores = json.loads(checked.stdout)
    damage = [
        f"{store['regions']}: {store[what]}" for store in stores for what in ("missing", "damaged") if store[what]
    ]
    found.expect("blocks missing or damaged", damage, of=f"none of {sum(store['blocks'] for store in stores)}")


def _check_events(server: Server, images: dict[str, Resource], found: Findings) -> None:
    told: dict[str, list[str]] = {}
    for file in sorted((server.home / "events").glob("*.jsonl")):
        for event in map(json.loads, file.read_text().splitlines()):
            if "state" in event["detail"]:
                told.setdefault(event["resources"][0], []).append(event["detail"]["state"]["status"])
    ends = {arn: [state for state in told.get(arn, []) if state in ENDS] for arn in images}
    wrong = [
        f"{arn} ended {image.state}, told {ends[arn]}" for arn, image in images.items() if ends[arn] != [image.state]
    ]
    found.expect("builds whose end was not told exactly once", wrong)
    twice = [f"{arn}: {states}" for arn, states in told.items() if len(set(states)) < len(states)]
    found.expect("states told more than once", twice)


def _check_amis(server: Server, images: dict[str, Resource], found: Findings) -> None:
    wrong: list[str] = []
    refused: list[str] = []
    count = 0
    available = [image for image in images.values() if image.state == "AVAILABLE"]
    for image in available:
        listed = [(each["region"], each["image"]) for each in image.document["outputResources"]["amis"]]
        settings = image.document["distributionConfiguration"]["distributions"]
        if sorted(region for region, _ in listed) != sorted(each["region"] for each in settings):
            wrong.append(f"{image.id} has {listed}")
        for region, ami in listed:
            count += 1
            refused += _launch_refused(server, image.account, region, ami)
    known = {ami["image"] for image in images.values() for ami in image.document["outputResources"]["amis"]}
    amis = _all(server, "image")
    wrong += [f"{each.id} of {each.name} is no build's" for each in amis if each.id not in known]
    found.expect("AMIs too few or too many", wrong, of=f"none: {count} of {len(available)} builds")
    found.expect("AMIs not available", [f"{each.id} {each.state}" for each in amis if each.state != "available"])
    found.expect("AMIs that cannot be launched", refused)


def _launch_refused(server: Server, account: str, region: str, ami: str) -> list[str]:
    ec2 = server.client("ec2", server.numbers()[account], region)
    try:
        ec2.run_instances(ImageId=ami, InstanceType="t3.small", MinCount=1, MaxCount=1, DryRun=True)
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "DryRunOperation":
            return []
        return [f"{ami}: {refused}"]
    return [f"{ami}: it was launched"]


def _all(server: Server, kind: str) -> list[Resource]:
    with server.cloud.database.reading() as connection:
        return [each for each in every(connection, kind) if each.account in server.numbers()]


def _snapshots(image: Resource) -> list[str]:
    return [each["Ebs"]["SnapshotId"] for each in image.document["BlockDeviceMappings"] if "Ebs" in each]


def _reason(image: Resource) -> str:
    return str(image.document["state"].get("reason", ""))


def _names(folder: Path, pattern: str) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.glob(pattern)) if folder.is_dir() else []
