"""One attempt of a step: its action runs, and whatever comes of it is data."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.stop import StepTimeoutError, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError
from goldsmith.pipelines.workflows.outcome import MAX_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.pipelines.workflows.action import Action, ComponentFailure, StepRun

log = logging.getLogger(__name__)


def perform(find: Callable[[str], Action], action: str, step: StepRun) -> dict[str, Any]:  # noqa: PLR0911 - one an ending
    """Run an action; return {status, outputs, message, component, regions}, a JSON value, however it ends."""
    try:
        step.logs.mkdir(parents=True, exist_ok=True)
        outputs = json.loads(json.dumps(dict(find(action).run(step))))
    except NothingToDoError as nothing:
        return _ended("SKIPPED", str(nothing))
    except StoppedError:
        return _ended("CANCELLED", "The step was cancelled.")
    except StepTimeoutError:
        return _ended("FAILED", f"The step did not end within its timeoutSeconds of {step.timeout_seconds}.")
    except ActionFailedError as failed:
        regions = [dict(each) for each in failed.regions]
        component = _component(failed.component) if failed.component else None
        return _ended("FAILED", _said(failed), failed.outputs, component, regions)
    except GoldsmithError as failed:
        return _ended("FAILED", _said(failed))
    except Exception as broken:
        log.exception("The action %s of step %s broke", action, step.name)
        return _ended("FAILED", f"The action broke: {broken!r}. The server's log tells more.")
    return _ended("COMPLETED", outputs=outputs)


def undo(find: Callable[[str], Action], action: str, step: StepRun, outputs: dict[str, Any]) -> tuple[str, str]:
    """Undo a step; return the rollbackStatus, and of FAILED the reason."""
    try:
        return ("COMPLETED" if find(action).roll_back(step, outputs) else "SKIPPED"), ""
    except (StepTimeoutError, StoppedError):
        return "FAILED", "It could not be undone in time."
    except GoldsmithError as failed:
        return "FAILED", _said(failed)
    except Exception as broken:
        log.exception("The action %s of step %s broke when it was rolled back", action, step.name)
        return "FAILED", f"The action broke: {broken!r}. The server's log tells more."


def _ended(
    status: str,
    message: str = "",
    outputs: dict[str, Any] | None = None,
    component: dict[str, Any] | None = None,
    regions: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "outputs": outputs or {},
        "component": component,
        "regions": regions or [],
    }


def _said(failed: GoldsmithError) -> str:
    return f"{failed.message} {failed.mend}".strip()


def _component(failure: ComponentFailure) -> dict[str, Any]:
    error = f"{failure.message}\n{failure.stderr[-MAX_ERROR:]}".strip() if failure.stderr else failure.message
    return {
        "componentArn": failure.component_arn,
        "phaseName": failure.phase,
        "stepName": failure.step,
        "action": failure.action,
        "errorMessage": error,
    }
