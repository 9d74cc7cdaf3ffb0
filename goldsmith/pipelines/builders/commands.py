"""What RunCommand runs: the documents of Systems Manager that make sense without its agent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.console import ConsoleLog
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.workflows.action import StepRun

SHELL = "AWS-RunShellScript"
UPDATE_AGENT = "AWS-UpdateSSMAgent"
DEFAULT_SECONDS = 3600
LONGEST_OUTPUT = 24_000
"""Characters that Systems Manager tells of a command's output."""

NO_AGENT = "There is no SSM agent here to update: instances are reached without one."

_SCRIPT = """
folder=$(mktemp -d /var/tmp/goldsmith-XXXXXX) && cat >"$folder/script" && chmod 700 "$folder/script" || exit 125
IFS= read -r first <"$folder/script"
cd "$1" || exit 125
case $first in
    '#!'*) "$folder/script" </dev/null ;;
    *) sh "$folder/script" </dev/null ;;
esac
code=$?
rm -rf "$folder"
exit "$code"
"""
"""Runs its input as Systems Manager does: by what its first line names, else by sh."""


@dataclass(frozen=True)
class ShellScript:
    """Commands for sh, or whatever their first line names; ``seconds`` is how long they may take."""

    text: str
    folder: str
    seconds: int

    def run(self, guest: Guest, step: StepRun) -> str:
        """Run it and return its output; raise ActionFailedError with what it said when it fails."""
        step.say(f"Running command (command id: {command_id(step)})")
        with ConsoleLog(step.logs) as console:
            done = guest.run(
                ["sh", "-c", _SCRIPT, "sh", self.folder],
                stdin=self.text.encode(),
                timeout=self.seconds,
                on_output=console.output,
            )
        output = done.stdout.decode(errors="replace")[:LONGEST_OUTPUT]
        if not done.timed_out and not done.exit_code:
            return output
        state = "TimedOut" if done.timed_out else "Failed"
        stderr = done.stderr.decode(errors="replace").strip()[-LONGEST_OUTPUT:]
        why = f"it took longer than {self.seconds} s" if done.timed_out else f"exit status {done.exit_code}"
        raise ActionFailedError(
            f"Command failed (command id: {command_id(step)}, state: {state}): {why}"
            + (f": {stderr}" if stderr else ""),
            mend=f"Its output is in {step.logs / 'console.log'}.",
            outputs={"runCommandId": command_id(step), "status": state, "output": [output]},
        )


def command_id(step: StepRun) -> str:
    """Return the id of the command that a step runs, the same whenever it is asked."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, step.id))


def succeeded(step: StepRun, output: Any) -> dict[str, Any]:
    """Return the outputs of a step whose command succeeded."""
    return {"runCommandId": command_id(step), "status": "Success", "output": output}


def read_command(inputs: Mapping[str, Any]) -> ShellScript | str:
    """Return the script that a RunCommand step runs, or the words of one that has nothing to run.

    Raises ActionFailedError for a document that nothing here can run.
    """
    name = str(inputs["documentName"])
    parameters: Mapping[str, Any] = inputs.get("parameters") or {}
    if name == UPDATE_AGENT:
        return NO_AGENT
    if name != SHELL:
        raise ActionFailedError(
            f"RunCommand was given the document {name}, which needs AWS Systems Manager itself.",
            mend=f"Write what it does as commands of {SHELL}, or as a component.",
        )
    commands = parameters.get("commands")
    if not isinstance(commands, list) or not commands:
        raise ActionFailedError(f"{SHELL} needs the parameter commands, a list of lines.")
    seconds = _one(parameters, "executionTimeout", str(DEFAULT_SECONDS))
    if not seconds.isdecimal() or not int(seconds):
        raise ActionFailedError(f"executionTimeout is {seconds[:40]!r}, which is no number of seconds.")
    folder = _one(parameters, "workingDirectory", "") or "/"
    return ShellScript("\n".join(map(str, commands)) + "\n", folder, int(seconds))


def _one(parameters: Mapping[str, Any], name: str, default: str) -> str:
    """Return the value of a parameter that is written as a list of one."""
    value = parameters.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return default if value is None else str(value).strip()
