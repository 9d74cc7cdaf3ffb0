"""RunCommand: a document of Systems Manager on the instance (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.commands import ShellScript, read_command, succeeded
from goldsmith.pipelines.builders.instances import find_instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Run the document's commands; their output is a list, as Systems Manager gives it."""
    script = read_command(step.inputs)
    if not isinstance(script, ShellScript):
        step.say(script)
        return succeeded(step, [script])
    step.say("Sending command to instance to run")
    return succeeded(step, [find_instance(step).run_script(script)])


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: what commands did ends with the instance."""
    return False
