"""An execution's run: its rows, one after the other, done for real and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.lifecycle.ami_actions import apply
from goldsmith.pipelines.lifecycle.decision import FROM
from goldsmith.pipelines.lifecycle.image_changes import change_image, tell_change
from goldsmith.pipelines.lifecycle.records import (
    EXECUTION,
    RUNNING,
    UNFINISHED,
    ami_rows,
    ended,
    image_rows,
    in_status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.lifecycle.image_changes import Emit
    from goldsmith.pipelines.world import World

CANCELLED = "The execution was cancelled."
NO_REGISTRY = "Container images in a registry are not deleted here."
SPARED = "The image is kept, as an AMI of it is left alone."


def run_execution(world: World, account: str, region: str, identifier: str, emit: Emit) -> None:
    """Do what an execution's rows say, from the first that is not done; may be called again at any time.

    It ends FAILED when something could not be done, and CANCELLED when that was asked for, or its policy was deleted or
    disabled.
    """
    Run(world, account, region, identifier, emit).run()


class Run:
    """One run of an execution."""

    def __init__(self, world: World, account: str, region: str, identifier: str, emit: Emit) -> None:
        self.world = world
        self._where = (account, region)
        self._id = identifier
        self._emit = emit

    def run(self) -> None:
        """Do all rows that are not done."""
        while self._goes_on():
            with self.world.catalog(*self._where, writes=False) as catalog:
                row = next(image_rows(catalog, self._id, states=(RUNNING,)), None)
            if row is None:
                self._end()
                return
            self._do(row)

    def _goes_on(self) -> bool:
        """Note that the run goes on; end it where it is to end."""
        with self.world.catalog(*self._where) as catalog:
            execution = catalog.own(EXECUTION, self._id)
            if execution is None or execution.state not in UNFINISHED:
                return False
            now = self.world.clock()
            if execution.state == "CANCELLING" or not _is_wanted(catalog, execution):
                self._cancel_rows(catalog, now)
                catalog.save(ended(execution, "CANCELLED", now))
                return False
            catalog.save(in_status(execution, "IN_PROGRESS").knowing(beat=now))
        return True

    def _cancel_rows(self, catalog: Catalog, now: float) -> None:
        for row in image_rows(catalog, self._id):
            of_amis = ami_rows(catalog, self._id, row.document["resourceId"])
            for each in [row, *of_amis]:
                if each.state == RUNNING:
                    catalog.save(ended(each, "SKIPPED", now, CANCELLED))

    def _do(self, row: Resource) -> None:
        arn = row.document["resourceId"]
        with self.world.catalog(*self._where, writes=False) as catalog:
            image = catalog.own("image-build", arn)
            amis = list(ami_rows(catalog, self._id, arn))
        problem = _problem(row, image)
        if not problem:
            amis = [self._do_ami(each) if each.state == RUNNING else each for each in amis]
        status, reason = ("SKIPPED", problem) if problem else _verdict(row, amis)
        with self.world.catalog(*self._where) as catalog:
            now = self.world.clock()
            if problem:
                for each in amis:
                    catalog.save(ended(each, "SKIPPED", now, problem) if each.state == RUNNING else each)
            before = after = catalog.own("image-build", arn)
            if status == "SUCCESS" and before is not None:
                done = {each.document["resourceId"] for each in amis if each.state == "SUCCESS"}
                action, at = row.document["action"]["name"], row.inner.get("deprecate_at")
                after = change_image(catalog, before, action, now, amis=done, at=at)
            catalog.save(ended(row, status, now, reason))
        if before is not None and after is not None:
            tell_change(self._emit, before, after)

    def _do_ami(self, row: Resource) -> Resource:
        members = apply(self.world, row)
        state = members["state"]
        with self.world.catalog(*self._where) as catalog:
            done = row.having(**{name: value for name, value in members.items() if name != "state"})
            return catalog.save(ended(done, state["status"], self.world.clock(), state.get("reason", "")))

    def _end(self) -> None:
        with self.world.catalog(*self._where) as catalog:
            execution = catalog.own(EXECUTION, self._id)
            if execution is None or execution.state not in UNFINISHED:
                return
            rows = [
                each
                for row in image_rows(catalog, self._id)
                for each in (row, *ami_rows(catalog, self._id, row.document["resourceId"]))
            ]
            states = [*_states(rows)]
            failed = states.count("FAILED")
            reason = f"{failed} of {len(states)} resources could not be changed." if failed else ""
            summary = {"hasImpactedResources": "SUCCESS" in states}
            over = ended(execution, "FAILED" if failed else "SUCCESS", self.world.clock(), reason)
            catalog.save(over.having(resourcesImpactedSummary=summary))


def _is_wanted(catalog: Catalog, execution: Resource) -> bool:
    """Tell whether the policy that an execution is of, if any, is still there and ENABLED."""
    arn = execution.document.get("lifecyclePolicyArn")
    policy = catalog.own("lifecycle-policy", arn) if arn else None
    return not arn or (policy is not None and policy.state == "ENABLED")


def _problem(row: Resource, image: Resource | None) -> str:
    """Return why nothing is done to an image that is not what it was when the execution was planned."""
    if image is None:
        return "The image does not exist any more."
    allowed = (*FROM.get(row.document["action"]["name"], (image.state,)), row.inner["from"])
    return "" if image.state in allowed else f"The image is {image.state} by now."


def _verdict(row: Resource, amis: list[Resource]) -> tuple[str, str]:
    """Return what becomes of an image's record after its AMIs: a status and the reason of one that is not SUCCESS."""
    failed = [each for each in amis if each.state == "FAILED"]
    if failed:
        return "FAILED", f"{failed[0].document['resourceId']}: {failed[0].document['state']['reason']}"
    if row.document["action"]["name"] != "DELETE":
        return "SUCCESS", ""
    if row.document.get("imageUris"):
        return "FAILED", NO_REGISTRY
    return ("SKIPPED", SPARED) if any(each.state == "SKIPPED" for each in amis) else ("SUCCESS", "")


def _states(rows: Iterable[Resource]) -> Iterable[Any]:
    for row in rows:
        yield row.state
        yield from (each["state"]["status"] for each in row.document.get("snapshots") or () if row.state == "SUCCESS")
