"""The ids of workflow and step executions: the same whenever a killed server takes them up again."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1d5f0c-6d0a-5f7e-9f43-3b0a5d1c2e77")


def workflow_execution_id(image: str, place: str) -> str:
    """Return the id of an image's workflow execution; ``place`` tells it from the image's others, retries included."""
    return f"wf-{uuid5(_NAMESPACE, f'{image} {place}')}"


def step_execution_id(execution: str, step: str, attempt: int) -> str:
    """Return the id of one attempt of a workflow execution's step."""
    return f"step-{uuid5(_NAMESPACE, f'{execution} {step} {attempt}')}"


def written(moment: float) -> str:
    """Return seconds since the epoch as AWS writes a moment: ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
