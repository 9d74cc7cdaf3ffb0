"""One build of an image, from its parts pinned to its end: stage by stage, each workflow's steps recorded."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query
from goldsmith.documents.workflows.parameters import bind_parameters
from goldsmith.documents.workflows.parser import parse_workflow
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.distribution.naming import output_description, output_name
from goldsmith.pipelines.distribution.outputs import ami_outputs, built_output, container_outputs
from goldsmith.pipelines.engine.planned import PlannedWorkflow
from goldsmith.pipelines.image_run import ImageRun
from goldsmith.pipelines.stop import StoppedError
from goldsmith.pipelines.workflows.identity import workflow_execution_id
from goldsmith.pipelines.workflows.stage import run_stage
from goldsmith.pipelines.workflows.variables import variables_of
from goldsmith.pipelines.workflows.workflow_run import WorkflowRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldsmith.catalog.resources import Resource
    from goldsmith.documents.workflows.step import Stage
    from goldsmith.pipelines.engine.ledger import BuildLedger
    from goldsmith.pipelines.engine.records import ImageRecord
    from goldsmith.pipelines.workflows.action import Action
    from goldsmith.pipelines.workflows.outcome import WorkflowOutcome

    Pin = Callable[[Resource], ImageRun]
    Plan = Callable[[Resource], list[PlannedWorkflow]]
    Find = Callable[[str], Action]

STAGES: tuple[tuple[Stage, str], ...] = (("BUILD", "BUILDING"), ("TEST", "TESTING"), ("DISTRIBUTION", "DISTRIBUTING"))
RUN = "run.json"
"""The file of a build's folder with all that was pinned: a later try is of the same."""

_AMI = re.compile(r"ami-[0-9a-f]{8,17}")


class ImageFailedError(GoldsmithError):
    """An image's build ended without the image; ``context`` is AWS's failureContext."""

    def __init__(self, message: str, context: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.context = context


class Build:
    """One try of building an image. ``name`` is the try's own."""

    def __init__(self, record: ImageRecord, name: str, ledger: BuildLedger, pin: Pin, plan: Plan, find: Find) -> None:
        self.record = record
        self.world = record.world
        self.name = name
        self.ledger = ledger
        self._pin = pin
        self._plan = plan
        self._find = find

    def run(self) -> None:
        """Build the image until all that is missing is its being AVAILABLE.

        Raises ImageFailedError, StoppedError, and GoldsmithError for broken parts.
        """
        self.ledger.once("creating", lambda: self.record.pass_to("CREATING"))
        pinned = self.ledger.once("pinned", self._pinned)
        if "failed" in pinned:
            raise GoldsmithError(pinned["failed"])
        run = ImageRun.from_json(pinned["run"])
        self.ledger.follow(run)
        plan = [PlannedWorkflow.from_json(each) for each in pinned["plan"]]
        outputs: dict[str, Any] = dict(pinned["outputs"])
        for stage, status in STAGES:
            workflows = [each for each in plan if each.stage == stage]
            if stage in pinned["done"] or (not workflows and stage != "DISTRIBUTION"):
                continue
            if not self.ledger.once(f"{stage} begins", partial(self._begin, status)):
                raise StoppedError("It was cancelled.")
            outputs |= self._run_stage(run, stage, status, workflows, outputs)
        self.ledger.once("integrating", lambda: self.record.pass_to("INTEGRATING"))

    def _begin(self, status: str) -> bool:
        """Pass to a stage's state unless the build is cancelled; once begun, a stage ends by itself."""
        if self.ledger.stop.asked:
            return False
        self.record.pass_to(status)
        return True

    def _pinned(self) -> dict[str, Any]:
        """Resolve everything that the image is made of, or take what an earlier try has."""
        image = self.record.read()
        if image is None:
            return {"failed": "The image was deleted."}
        done = image.inner.get("done", {})
        file = self.record.folder / RUN
        try:
            kept = _read_pinned(file)
            if not kept or not (done or kept["try"] == self.name):
                kept = {
                    "try": self.name,
                    "run": self._pin(image).as_json(),
                    "plan": [each.as_json() for each in self._plan(image)],
                }
                _write_pinned(file, kept)
        except GoldsmithError as missing:
            return {"failed": str(missing)}
        self._say_parts(ImageRun.from_json(kept["run"]))
        outputs = {name: value for each in done.values() for name, value in each.items()}
        return {**kept, "done": sorted(done), "outputs": image.inner.get("given", {}) | outputs}

    def _say_parts(self, run: ImageRun) -> None:
        if run.parent.written != run.parent.reference:
            self.record.say(
                f"Resolved Image Recipe parent image {run.parent.written} to {run.parent.kind.upper()} "
                f"{run.parent.reference}."
            )
        for each in run.components:
            self.record.say(f"Component {each.arn}")
        self.record.note(components=[each.arn for each in run.components], parent=asdict(run.parent))

    def _run_stage(
        self, run: ImageRun, stage: Stage, status: str, workflows: list[PlannedWorkflow], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Run a stage's workflows and note what they made. Raises ImageFailedError and StoppedError."""
        image_id = str(given.get("ImageId", ""))
        runs = [self._workflow(run, each, place, image_id, given) for place, each in enumerate(workflows)]
        outcome = run_stage(runs, self.ledger)
        self.ledger.once(f"{stage} made", lambda: self._note(run, stage, outcome.outputs, outcome.outcomes))
        if (ended := outcome.ended_by) is not None:
            if ended.status == "CANCELLED":
                raise StoppedError(ended.reason)
            raise ImageFailedError(ended.reason, ended.failure_context(self._status(status)))
        return dict(outcome.outputs)

    def _workflow(
        self, run: ImageRun, planned: PlannedWorkflow, place: int, image_id: str, given: Mapping[str, Any]
    ) -> WorkflowRun:
        document = parse_workflow(planned.text, planned.arn, planned.stage)
        return WorkflowRun(
            world=self.world,
            image=run,
            document=document,
            arn=planned.arn,
            execution=workflow_execution_id(run.arn, f"{self.name} {planned.stage} {place}"),
            parameters=bind_parameters(document, planned.parameters),
            variables=variables_of(run, planned.stage),
            workflow_outputs=given,
            output_image=image_id,
            parallel_group=planned.group,
            continues=planned.continues,
            find=self._find,
        )

    def _note(
        self, run: ImageRun, stage: Stage, outputs: Mapping[str, Any], outcomes: tuple[WorkflowOutcome, ...]
    ) -> None:
        """Write what a stage has put out, even one that failed after parts of it were done, into the record."""
        image = self.record.read()
        if image is None:
            return
        members = {}
        if run.kind == "AMI":
            made = image.document.get("outputResources", {}).get("amis", ())
            built = made[0] if made else None
            if _AMI.fullmatch(str(outputs.get("ImageId", ""))):
                name, told = output_name(run), output_description(run)
                built = built_output(run, str(outputs["ImageId"]), name=name, description=told)
            rows = [{"distributedImages": [_as_row(each) for each in made[1:]]}, *self._step_outputs(outcomes)]
            members["outputResources"] = {"amis": ami_outputs(rows, built=built)}
        else:
            made = image.document.get("outputResources", {}).get("containers", ())
            members["outputResources"] = {"containers": container_outputs(made, self._step_outputs(outcomes))}
        done = dict(image.inner.get("done", {}))
        if outcomes and all(each.status == "COMPLETED" for each in outcomes):
            done[stage] = dict(outputs)
        self.record.note(members, done=done)

    def _step_outputs(self, outcomes: tuple[WorkflowOutcome, ...]) -> Iterator[Mapping[str, Any]]:
        with self.world.catalog(self.record.account, self.record.region, writes=False) as catalog:
            for outcome in outcomes:
                steps = catalog.find(Query("workflow-step", names=(outcome.execution,)))
                yield from [json.loads(each.document.get("outputs") or "{}") for each in steps]

    def _status(self, status: str) -> str:
        image = self.record.read()
        return image.state if image is not None else status


def _read_pinned(file: Path) -> dict[str, Any]:
    """Return what a try has pinned, {} where none has."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return kept


def _write_pinned(file: Path, kept: Mapping[str, Any]) -> None:
    """Write what a try has pinned, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    arriving = file.with_name(f".{file.name}")
    arriving.write_text(json.dumps(kept))
    arriving.replace(file)


def _as_row(ami: Mapping[str, Any]) -> dict[str, Any]:
    """Return an AMI of outputResources as steps' outputs tell of one."""
    return {**ami, "amiId": ami["image"]}
