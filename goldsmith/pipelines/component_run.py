"""One component's phases on a guest, as every build, trial and pipeline runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor.events import StepStarted
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.run import run_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from goldsmith.executor.events import Event
    from goldsmith.executor.result import Result
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.plan import PlannedComponent
    from goldsmith.pipelines.progress import Stage


def run_component(
    component: PlannedComponent,
    guest: Guest,
    stage: Stage,
    *,
    phases: Sequence[str],
    logs: Path,
    services: Services,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    arn: str = "",
) -> Result:
    """Run those phases of a component that it has; ``on_line`` hears console.log's lines.

    ``arn`` is the component's, where it has one. A step that fails is in the result.
    """

    def tell(event: Event) -> None:
        if isinstance(event, StepStarted):
            stage.say(f"{event.phase}: {event.step}")

    return run_documents(
        [DocumentRun(component.document, component.parameters, arn)],
        guest,
        phases=phases,
        log_directory=logs,
        services=services,
        environment=environment,
        on_event=tell,
        on_console_line=on_line,
    )
