"""What came of a workflow, as the durable record holds it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE = 500
MAX_ERROR = 16_000

End = Literal["COMPLETED", "FAILED", "CANCELLED"]


@dataclass(frozen=True)
class StepFailure:
    """The step that ended a workflow; ``component`` and ``regions`` are AWS's shapes. Empty names: no step did."""

    message: str
    step: str = ""
    step_execution: str = ""
    component: Mapping[str, Any] | None = None
    regions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class WorkflowOutcome:
    """How a workflow ended. ``failure`` is there when it failed."""

    execution: str
    arn: str
    status: End
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failure: StepFailure | None = None

    @property
    def reason(self) -> str:
        """The sentence that an image's state has for its reason, empty when the workflow completed."""
        if self.status == "CANCELLED":
            return f"Workflow Execution ID: '{self.execution}' was cancelled."
        return (
            f"Workflow Execution ID: '{self.execution}' failed with reason: {self.failure.message}"
            if self.failure
            else ""
        )

    def failure_context(self, image_status: str) -> dict[str, Any]:
        """Return AWS's failureContext of an image that was in ``image_status`` (BUILDING) when it failed."""
        context: dict[str, Any] = {
            "imageStatus": image_status,
            "workflowExecutionId": self.execution,
            "workflowArn": self.arn,
        }
        if self.failure and self.failure.step:
            context |= {"stepExecutionId": self.failure.step_execution, "failedStep": self.failure.step}
        if self.failure and self.failure.component:
            context["componentFailure"] = dict(self.failure.component)
        if self.failure and self.failure.regions:
            regions = [dict(each) for each in self.failure.regions]
            context["distributionFailure"] = {"errorMessage": self.failure.message, "regionFailures": regions}
        return context

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `as_json` made a value of."""
        failure = value["failure"]
        if failure:
            failure = StepFailure(**{**failure, "regions": tuple(failure["regions"])})
        return cls(**{**value, "failure": failure})
