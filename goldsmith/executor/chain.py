"""What earlier steps of a document took in and gave out, for the chain expressions of 4.3. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goldsmith.executor.failures import ActionError
from goldsmith.executor.operators import as_text

if TYPE_CHECKING:
    from goldsmith.executor.loops import Outputs


class Chain:
    """The resolved inputs and the outputs of the steps that have run, by phase and step."""

    def __init__(self) -> None:
        self._inputs: dict[tuple[str, str], list[Any]] = {}
        self._outputs: dict[tuple[str, str], Outputs] = {}
        self._skipped: set[tuple[str, str]] = set()

    def ran(self, phase: str, step: str, inputs: list[Any], outputs: Outputs) -> None:
        """Remember a step that ran."""
        self._inputs[phase, step] = inputs
        self._outputs[phase, step] = outputs

    def skipped(self, phase: str, step: str) -> None:
        """Remember a step whose condition said to skip it: it has no inputs and no outputs."""
        self._skipped.add((phase, step))

    def value(self, phase: str, step: str, section: str, index: int | None, key: str) -> str:
        """Return one input or output. Without an index an output is joined over the step's operations.

        Raises ActionError for a step that has not run or gave no such value.
        """
        name = f"{phase}.{step}.{section}{'' if index is None else f'[{index}]'}.{key}"
        if (phase, step) in self._skipped:
            raise ActionError(f"{{{{ {name} }}}} has no value: step {step} of phase {phase} was skipped.")
        if (phase, step) not in self._inputs:
            raise ActionError(
                f"{{{{ {name} }}}} has no value: step {step} of phase {phase} has not run.",
                mend="A chain expression reaches steps of the same document that ran earlier in the same run.",
            )
        entries = (self._inputs if section == "inputs" else self._outputs)[phase, step]
        found = _found(entries, index, key, join=section == "outputs")
        if found is None:
            raise ActionError(
                f"{{{{ {name} }}}} has no value: the step's {section} hold no such {_lack(entries, index)}."
            )
        return found


def _found(entries: list[Any], index: int | None, key: str, *, join: bool) -> str | None:
    chosen = entries if index is None else entries[index : index + 1]
    values = [_text(entry[key]) for entry in chosen if isinstance(entry, dict) and key in entry]
    if not values:
        return None
    return "\n".join(values) if join else values[0]


def _lack(entries: list[Any], index: int | None) -> str:
    return "key" if index is None or index < len(entries) else "index"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return json.dumps(value) if isinstance(value, dict) else as_text(value)
