"""Reading the steps of a workflow document (5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.nodes import is_null
from goldsmith.documents.reading import (
    check_keys,
    read_choice,
    read_flag,
    read_map,
    read_name,
    read_number,
    read_text,
    text_of,
)
from goldsmith.documents.workflows.actions import ACTIONS
from goldsmith.documents.workflows.conditions import read_condition
from goldsmith.documents.workflows.inputs import read_inputs
from goldsmith.documents.workflows.paths import whole_path
from goldsmith.documents.workflows.step import DEFAULT_BACKOFF_SECONDS, Retry, WorkflowStep

if TYPE_CHECKING:
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Mapping
    from goldsmith.documents.workflows.action_rule import ActionRule
    from goldsmith.documents.workflows.step import OnFailure, Stage

MAX_DESCRIPTION = 1024
MAX_WAIT_SECONDS = 86400
MAX_ATTEMPTS = 10
MAX_BACKOFF_SECONDS = 600

_KEYS = (
    *("name", "action", "description", "if", "onFailure", "rollbackEnabled", "rollbackEnabled.$"),
    *("timeoutSeconds", "waitSeconds", "retry", "inputs"),
)
_ON_FAILURE = ("Abort", "Continue")
_RETRY_KEYS = ("maxAttempts", "backoffSeconds")


@dataclass(frozen=True)
class StepOutline:
    """A step as far as it could be read, with the tree it stands in, for the checks across steps."""

    name: str
    rule: ActionRule | None
    mapping: Mapping
    step: WorkflowStep | None


def read_step(mapping: Mapping, stage: Stage | None, faults: Faults) -> StepOutline:
    """Return a step of a workflow of that stage, None for any; what is wrong becomes faults."""
    check_keys(mapping, _KEYS, "A step", faults)
    name = read_name(mapping, "A step", faults)
    rule = _rule(mapping, name, stage, faults)
    condition = mapping.entries.get("if")
    step = WorkflowStep(
        name=name,
        action=rule.name if rule else "",
        mark=mapping.mark,
        timeout_seconds=_timeout(mapping, rule, faults),
        inputs=read_inputs(mapping, rule, faults) if rule else {},
        description=_description(mapping, faults),
        condition=read_condition(condition.node, faults) if condition else None,
        on_failure=_on_failure(mapping, faults),
        rollback_enabled=_rollback(mapping, faults),
        wait_seconds=_bounded(mapping, "waitSeconds", 0, (0, MAX_WAIT_SECONDS), faults),
        retry=_retry(mapping, faults),
    )
    return StepOutline(name, rule, mapping, step if rule else None)


def _rule(mapping: Mapping, name: str, stage: Stage | None, faults: Faults) -> ActionRule | None:
    entry = mapping.entries.get("action")
    if entry is None:
        faults.add(mapping.mark, f"Step '{shown(name)}' has no action.")
        return None
    action = read_text(entry.node, "action", faults)
    if action is None:
        return None
    rule = ACTIONS.get(action)
    if rule is None:
        meant = "" if faults.full else near_name(action, ACTIONS)
        faults.add(entry.node.mark, f"There is no action '{shown(action)}'.", meant=meant)
        return ACTIONS.get(meant)
    if stage and stage not in rule.stages:
        stages = " and ".join(rule.stages)
        faults.add(entry.node.mark, f"Action {action} stands in {stages} workflows, and this is a {stage} workflow.")
    return rule


def _timeout(mapping: Mapping, rule: ActionRule | None, faults: Faults) -> int:
    default, most = (rule.default_timeout, rule.max_timeout) if rule else (1, MAX_WAIT_SECONDS * 7)
    return _bounded(mapping, "timeoutSeconds", default, (1, most), faults)


def _bounded(mapping: Mapping, key: str, default: int, bounds: tuple[int, int], faults: Faults) -> int:
    entry = mapping.entries.get(key)
    if entry is None or is_null(entry.node):
        return default
    number = read_number(entry.node, key, faults)
    if number is None:
        return default
    least, most = bounds
    if not least <= number <= most:
        faults.add(entry.node.mark, f"{key} must be {least} to {most} here, but is {number}.")
    return number


def _description(mapping: Mapping, faults: Faults) -> str:
    text = text_of(mapping, "description", faults)
    entry = mapping.entries.get("description")
    if entry and not 1 <= len(text) <= MAX_DESCRIPTION:
        faults.add(entry.node.mark, f"A step's description has 1 to {MAX_DESCRIPTION} characters.")
    return text


def _on_failure(mapping: Mapping, faults: Faults) -> OnFailure:
    entry = mapping.entries.get("onFailure")
    if entry is None or is_null(entry.node):
        return "Abort"
    return cast("OnFailure", read_choice(entry.node, "onFailure", _ON_FAILURE, faults) or "Abort")


def _rollback(mapping: Mapping, faults: Faults) -> bool | str:
    plain, suffixed = mapping.entries.get("rollbackEnabled"), mapping.entries.get("rollbackEnabled.$")
    if plain and suffixed:
        faults.add(suffixed.mark, "rollbackEnabled is given twice, with and without .$.")
    entry = plain or suffixed
    if entry is None or is_null(entry.node):
        return True
    text = read_text(entry.node, "rollbackEnabled", faults)
    if text is None or suffixed or whole_path(text):
        return True if text is None else text
    return read_flag(entry.node, "rollbackEnabled", faults) is not False


def _retry(mapping: Mapping, faults: Faults) -> Retry:
    entry = mapping.entries.get("retry")
    retry = read_map(entry.node, "retry", faults) if entry and not is_null(entry.node) else None
    if retry is None:
        return Retry()
    check_keys(retry, _RETRY_KEYS, "retry", faults)
    attempts = _bounded(retry, "maxAttempts", 1, (1, MAX_ATTEMPTS), faults)
    return Retry(attempts, _bounded(retry, "backoffSeconds", DEFAULT_BACKOFF_SECONDS, (0, MAX_BACKOFF_SECONDS), faults))
