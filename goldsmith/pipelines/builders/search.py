"""A machine's AMI is searched for what no image may carry, as a sandbox's tree is before it becomes a disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.disks.plan import DiskError
from goldsmith.guests.workspace import Workspace
from goldsmith.pipelines.builders.ending import ended_by
from goldsmith.pipelines.builders.pinned import ami_parent, find_parent
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.parent_files import ParentFiles
from goldsmith.trees.scan.finding import LeftoversError
from goldsmith.trees.scan.run import scan

if TYPE_CHECKING:
    from goldsmith.pipelines.plan import Parent
    from goldsmith.pipelines.progress import Stage, Stages
    from goldsmith.pipelines.workflows.action import StepRun
    from goldsmith.trees.scan.finding import ScanReport

NEITHER = "The image is neither cleaned nor searched for secrets: its workflow has no SanitizeInstance."

TREE = "searched"


def search_ami(
    step: StepRun, ami: str, stages: Stages, *, skipped: frozenset[str], accounts: frozenset[str] | None
) -> None:
    """Read an AMI's root file system and look through it; the AMI goes when something is found.

    ``skipped`` are the cleanup rules that did not run, ``accounts`` the only people's accounts that may be (None for
    any). A disk that cannot be read here is told and let be. Raises LeftoversError.
    """
    image = step.image
    parent = find_parent(ami_parent(step.world, image, ami), image, step.world)
    with stages.stage("scan") as stage:
        try:
            report = _report(step, parent, stage, skipped, accounts)
        except DiskError as unread:
            stage.note = f"not searched for secrets. {unread}"
            return
        if report.findings:
            step.call("ec2", "DeregisterImage", ImageId=ami, DeleteAssociatedSnapshots=True)
            raise LeftoversError(report)
        stage.note = f"{report.files} paths, nothing left over"


def _report(
    step: StepRun, parent: Parent, stage: Stage, skipped: frozenset[str], accounts: frozenset[str] | None
) -> ScanReport:
    home, allow = step.world.home, tuple(step.image.cleanup.get("allow") or ())
    with Workspace(home.path, memory=memory_for_work()) as workspace, ended_by(step.stop, workspace.kill):
        folder = workspace.path / TREE
        ParentFiles(workspace, folder, home.path, step.logs, apt_conf="").lay(parent, stage)
        return workspace.call(scan, Path("/"), None, skipped, allow, accounts, chroot=folder)
