"""What a pipeline file says that AWS has nothing for: facts of the pipeline's record beside its document.

They are ``cleanup`` (the block as written), ``builder`` ("sandbox" or "machine") and ``firmware`` (a list).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.change import Change, Step

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

KIND = "image-pipeline"
SERVICE = "goldsmith"
FACTS = ("cleanup", "builder", "firmware")


def plan_local(here: Here, change: Change, local: dict[str, Any]) -> Change:
    """Return a pipeline's change with what is local about it."""
    with here.cloud.catalog(here.account, here.region, writes=False) as catalog:
        record = catalog.own(KIND, change.identity.reference)
    there = {name: record.inner[name] for name in FACTS if name in record.inner} if record else {}
    if there == local:
        return change
    details = tuple(f"{name}: another" for name in sorted({*there, *local}) if there.get(name) != local.get(name))
    step = Step(SERVICE, "KeepLocal", {"arn": change.identity.reference, "local": local})
    verb = "update" if change.verb == "unchanged" else change.verb
    told = (*change.details, *details) if record else change.details
    return replace(change, verb=verb, steps=(*change.steps, step), details=told)


def run_step(here: Here, step: Step) -> dict[str, Any]:
    """Call a step's operation; what is local is written to the catalogue itself. Raises GoldsmithError."""
    if step.service != SERVICE:
        return here.call(step.service, step.operation, **step.parameters)
    with here.cloud.catalog(here.account, here.region) as catalog:
        record = catalog.own(KIND, step.parameters["arn"])
        if record is not None:
            catalog.save(record.knowing(**{name: step.parameters["local"].get(name) for name in FACTS}))
    return {}
