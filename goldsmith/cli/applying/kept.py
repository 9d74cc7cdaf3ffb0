"""What is written beside Image Builder's operations: a pipeline's local facts, and documents too long for a request.

The facts are of the pipeline's record, beside its document: ``cleanup`` (the block as written), ``firmware`` (a list).
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.aws.buckets import open_bucket
from goldsmith.cli.applying.change import Change, Step

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

KIND = "image-pipeline"
SERVICE = "goldsmith"
FACTS = ("cleanup", "firmware")
BUCKET = "goldsmith-documents"


def plan_facts(here: Here, change: Change, facts: dict[str, Any]) -> Change:
    """Return a pipeline's change with what is local about it."""
    with here.cloud.catalog(here.account, here.region, writes=False) as catalog:
        record = catalog.own(KIND, change.identity.reference)
    there = {name: record.inner[name] for name in FACTS if name in record.inner} if record else {}
    if there == facts:
        return change
    details = tuple(f"{name}: another" for name in FACTS if there.get(name) != facts.get(name))
    step = Step(SERVICE, "KeepFacts", {"arn": change.identity.reference, "facts": facts})
    verb = "update" if change.verb == "unchanged" else change.verb
    told = (*change.details, *details) if record else change.details
    return replace(change, verb=verb, steps=(*change.steps, step), details=told)


def keep_document(text: str) -> tuple[Step, str]:
    """Return what puts a document into a bucket of the house, and its address there."""
    key = f"{hashlib.sha256(text.encode()).hexdigest()}.yml"
    return Step(SERVICE, "KeepDocument", {"key": key, "text": text}), f"s3://{BUCKET}/{key}"


def run_step(here: Here, step: Step) -> dict[str, Any]:
    """Call a step's operation, or write what is to be kept. Raises GoldsmithError."""
    if step.service != SERVICE:
        return here.call(step.service, step.operation, **step.parameters)
    if step.operation == "KeepDocument":
        _write_document(here, step.parameters["key"], step.parameters["text"])
    else:
        _write_facts(here, step.parameters["arn"], step.parameters["facts"])
    return {}


def _write_document(here: Here, key: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / key
        file.write_text(text, encoding="utf-8")
        open_bucket(here.cloud, here.account.id, BUCKET).write(key, file)


def _write_facts(here: Here, arn: str, facts: dict[str, Any]) -> None:
    with here.cloud.catalog(here.account, here.region) as catalog:
        record = catalog.own(KIND, arn)
        if record is not None:
            catalog.save(record.knowing(**{name: facts.get(name) for name in FACTS}))
