"""An AMI is shared with accounts for as long as they copy it, and no longer."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from goldsmith.pipelines.workflows.action import StepRun

NOTE = "lent.json"
"""The step's note of what it has shared, there from before it is shared until after: it is read after a crash."""


@contextmanager
def lent(step: StepRun, source: Mapping[str, Any], accounts: Sequence[str]) -> Iterator[None]:
    """Share an AMI of the image's account and its snapshots with accounts for the block.

    What they could use before stays so. Raises RefusedError when it cannot be shared.
    """
    if not accounts:
        yield
        return
    try:
        _lend(step, source, accounts)
        yield
    finally:
        take_back(step)


def take_back(step: StepRun) -> bool:
    """Share no longer what the step has shared; tell whether there was anything. It may be repeated."""
    note = _note(step)
    if not note.exists():
        return False
    for identifier, accounts in _read(note).items():
        try:
            _change(step, identifier, "Remove", accounts)
        except RefusedError as refusal:
            if not refusal.code.endswith((".NotFound", ".Unavailable")):
                raise
    note.unlink()
    return True


def _lend(step: StepRun, source: Mapping[str, Any], accounts: Sequence[str]) -> None:
    note = _note(step)
    before = _read(note) if note.exists() else {}
    mappings = source.get("BlockDeviceMappings") or ()
    snapshots = [each["Ebs"]["SnapshotId"] for each in mappings if each.get("Ebs", {}).get("SnapshotId")]
    missing = {}
    for identifier in (source["ImageId"], *snapshots):
        there = _grantees(step, identifier)
        new = [account for account in accounts if account not in there]
        if whole := sorted({*before.get(identifier, ()), *new}):
            missing[identifier] = whole
    note.parent.mkdir(parents=True, exist_ok=True)
    whole_note = note.with_suffix(".whole")
    whole_note.write_text(json.dumps(missing))
    whole_note.replace(note)
    for identifier, whole in missing.items():
        _change(step, identifier, "Add", whole)


def _grantees(step: StepRun, identifier: str) -> set[str]:
    if identifier.startswith("ami-"):
        answer = step.call("ec2", "DescribeImageAttribute", ImageId=identifier, Attribute="launchPermission")
        permissions = answer["LaunchPermissions"]
    else:
        answer = step.call(
            "ec2", "DescribeSnapshotAttribute", SnapshotId=identifier, Attribute="createVolumePermission"
        )
        permissions = answer["CreateVolumePermissions"]
    return {each["UserId"] for each in permissions if "UserId" in each}


def _change(step: StepRun, identifier: str, how: str, accounts: Sequence[str]) -> None:
    grants = {how: [{"UserId": account} for account in accounts]}
    if identifier.startswith("ami-"):
        step.call("ec2", "ModifyImageAttribute", ImageId=identifier, LaunchPermission=grants)
    else:
        step.call("ec2", "ModifySnapshotAttribute", SnapshotId=identifier, CreateVolumePermission=grants)


def _note(step: StepRun) -> Path:
    return step.logs / NOTE


def _read(note: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(note.read_text())
    return found
