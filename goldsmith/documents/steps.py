"""Reading the steps of a phase (4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from goldsmith.documents.component import DEFAULT_TIMEOUT_SECONDS, Step
from goldsmith.documents.conditions import read_condition
from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.inputs import read_inputs
from goldsmith.documents.loops import read_loop
from goldsmith.documents.modules.inventory import MODULES
from goldsmith.documents.nodes import Mapping, Sequence, is_null
from goldsmith.documents.reading import check_keys, flag_of, read_choice, read_name, read_number, read_text

if TYPE_CHECKING:
    from goldsmith.documents.component import OnFailure
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.modules.declaration import Module

NO_LIMIT = -1

_KEYS = (
    *("name", "action", "if", "loop", "timeoutSeconds", "onFailure", "maxAttempts", "disableLogging"),
    "inputs",
)
_ON_FAILURE = ("Abort", "Continue", "Ignore")


@dataclass(frozen=True)
class StepOutline:
    """A step as far as it could be read, with the tree it stands in, for the checks across steps."""

    name: str
    module: Module | None
    mapping: Mapping
    step: Step | None


def read_step(mapping: Mapping, phase: str, faults: Faults) -> StepOutline:
    """Return a step; what is wrong becomes faults."""
    check_keys(mapping, _KEYS, "A step", faults)
    name = read_name(mapping, "A step", faults)
    module = _module(mapping, name, faults)
    condition = mapping.entries.get("if")
    loop = mapping.entries.get("loop")
    step = Step(
        name=name,
        action=module.name if module else "",
        inputs=_inputs(mapping, module, name, phase, faults) if module else None,
        mark=mapping.mark,
        timeout_seconds=_timeout(mapping, module, faults),
        on_failure=_on_failure(mapping, faults),
        max_attempts=_attempts(mapping, module, faults),
        disable_logging=flag_of(mapping, "disableLogging", faults),
        condition=read_condition(condition.node, faults) if condition else None,
        loop=read_loop(loop.node, faults) if loop else None,
    )
    return StepOutline(name, module, mapping, step if module else None)


def _module(mapping: Mapping, name: str, faults: Faults) -> Module | None:
    entry = mapping.entries.get("action")
    if entry is None:
        faults.add(mapping.mark, f"Step '{shown(name)}' has no action.")
        return None
    action = read_text(entry.node, "action", faults)
    if action is None:
        return None
    if action not in MODULES:
        meant = "" if faults.full else near_name(action, MODULES)
        faults.add(entry.node.mark, f"There is no action '{shown(action)}'.", meant=meant)
        return MODULES.get(meant)
    return MODULES[action]


def _inputs(mapping: Mapping, module: Module, name: str, phase: str, faults: Faults) -> Any:
    entry = mapping.entries.get("inputs")
    missing = entry is None or is_null(entry.node)
    if entry is None or missing or (isinstance(entry.node, Sequence) and not entry.node.items):
        if module.needs_inputs:
            mark = entry.mark if entry else mapping.mark
            place = f"Parsing step '{shown(name)}' in phase '{shown(phase)}' failed."
            faults.add(mark, f"{place} Error: Action {module.name} has no inputs; it requires an 'inputs'")
        return {}
    return read_inputs(entry.node, module, faults)


def _timeout(mapping: Mapping, module: Module | None, faults: Faults) -> int:
    fixed = module is not None and module.unlimited
    default = NO_LIMIT if fixed else DEFAULT_TIMEOUT_SECONDS
    seconds = _number(mapping, "timeoutSeconds", default, faults)
    if fixed and seconds != NO_LIMIT:
        mark = mapping.entries["timeoutSeconds"].node.mark
        faults.add(mark, f"timeoutSeconds of ExecuteDocument can only be -1, but is {seconds}.")
    elif seconds != NO_LIMIT and seconds < 1:
        mark = mapping.entries["timeoutSeconds"].node.mark
        faults.add(mark, f"timeoutSeconds must be 1 or more, or -1 for no limit, but is {seconds}.")
    return seconds


def _attempts(mapping: Mapping, module: Module | None, faults: Faults) -> int:
    attempts = _number(mapping, "maxAttempts", 1, faults)
    if module is not None and module.unlimited and attempts != 1:
        mark = mapping.entries["maxAttempts"].node.mark
        faults.add(mark, f"maxAttempts of ExecuteDocument can only be 1, but is {attempts}.")
    elif attempts < 1:
        mark = mapping.entries["maxAttempts"].node.mark
        faults.add(mark, f"maxAttempts must be 1 or more, but is {attempts}.")
    return attempts


def _number(mapping: Mapping, key: str, default: int, faults: Faults) -> int:
    entry = mapping.entries.get(key)
    if entry is None or is_null(entry.node):
        return default
    number = read_number(entry.node, key, faults)
    return default if number is None else number


def _on_failure(mapping: Mapping, faults: Faults) -> OnFailure:
    entry = mapping.entries.get("onFailure")
    if entry is None or is_null(entry.node):
        return "Abort"
    return cast("OnFailure", read_choice(entry.node, "onFailure", _ON_FAILURE, faults) or "Abort")
