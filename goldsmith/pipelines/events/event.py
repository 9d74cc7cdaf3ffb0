"""One event in the shape in which EventBridge delivers Image Builder's (EventBridge user guide, "Events")."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE = "aws.imagebuilder"
IMAGE_STATE_CHANGE = "EC2 Image Builder Image State Change"
CVE_DETECTED = "EC2 Image Builder CVE Detected"
STEP_WAITING = "EC2 Image Builder Workflow Step Waiting"
PIPELINE_DISABLED = "EC2 Image Builder Image Pipeline Automatically Disabled"
SNS_NOTIFICATION = "Goldsmith SNS Notification"
"""Our own: what SNS would deliver for a topic, as there is no SNS here."""

_NAMESPACE = uuid.UUID("6f1b2c52-7d3e-5c8e-9a55-2c6a3b7d9e10")


@dataclass(frozen=True)
class Event:
    """One event. ``moment`` is in seconds since the epoch; ``resources`` are ARNs."""

    id: str
    detail_type: str
    account: str
    region: str
    moment: float
    resources: tuple[str, ...]
    detail: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        detail_type: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        *,
        account: str,
        region: str,
        moment: float,
    ) -> Self:
        """Return the event of a change. Its id follows from all that it says, so that the same change has one id."""
        said = [detail_type, account, region, list(resources), detail, round(moment, 3)]
        identifier = uuid.uuid5(_NAMESPACE, json.dumps(said, sort_keys=True))
        return cls(str(identifier), detail_type, account, region, moment, tuple(resources), dict(detail))

    def as_json(self) -> dict[str, Any]:
        """Return EventBridge's JSON of it."""
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": SOURCE,
            "account": self.account,
            "time": datetime.fromtimestamp(int(self.moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": list(self.resources),
            "detail": dict(self.detail),
        }


def state_change(previous: str, status: str) -> dict[str, Any]:
    """Return the detail of an image's change from one status to another."""
    return {"previous-state": {"status": previous}, "state": {"status": status}}


def cve_detected(resource: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the detail of findings; ``counts`` are by severity, in lower case, with ``all``."""
    return {"resource-id": resource, "finding-severity-counts": dict(counts)}


def step_waiting(workflow_execution: str, step_execution: str, step: str) -> dict[str, Any]:
    """Return the detail of a workflow's step that waits for somebody."""
    return {
        "workflow-execution-id": workflow_execution,
        "workflow-step-execution-id": step_execution,
        "workflow-step-name": step,
    }


def pipeline_disabled(failures: int) -> dict[str, Any]:
    """Return the detail of a pipeline that was disabled after so many failures."""
    return {"consecutive-failures": str(failures)}
