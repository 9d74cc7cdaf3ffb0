"""An image's components on a guest: each is run with its logs, and a step of it that fails is told in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.console import ConsoleLog
from goldsmith.pipelines.builders.pinned import environment_of
from goldsmith.pipelines.component_run import run_component
from goldsmith.pipelines.workflows.action import ActionFailedError, ComponentFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.plan import PlannedComponent
    from goldsmith.pipelines.progress import Stage
    from goldsmith.pipelines.workflows.action import StepRun

LAST_LINES = 20
"""Lines of stderr that the message of a failure repeats."""


def run_phases(
    step: StepRun,
    component: PlannedComponent,
    guest: Guest,
    stage: Stage,
    services: Services,
    *,
    phases: Sequence[str],
    told: str,
) -> int:
    """Run phases of a component; return how many of its steps ran. ``told`` is IMAGE_PHASE.

    Raises ActionFailedError with the failed step of the component.
    """
    arn = component.document.file
    with ConsoleLog(step.logs) as console:
        result = run_component(
            component,
            guest,
            stage,
            phases=phases,
            logs=step.logs,
            services=services,
            environment=environment_of(step.image, step.workflow_execution, step.id, told),
            on_line=console.line,
            arn=arn,
        )
    if not result.exit_code or not result.failure:
        return result.executed
    failure = result.failure
    stderr = "".join(f"\n    {line}" for line in failure.stderr.strip().splitlines()[-LAST_LINES:])
    step.say(
        f"The step {failure.step} ({failure.action}) of {component.reference}, phase {failure.phase}, failed: "
        f"{failure.message}{stderr}"
    )
    raise ActionFailedError(
        f"Document {arn} failed!",
        component=ComponentFailure(arn, failure.phase, failure.step, failure.action, failure.message, failure.stderr),
    )
