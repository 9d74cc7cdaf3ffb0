"""One attempt at a step: the only way its action reaches the guest, the log and the clock."""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from goldsmith.errors import GoldsmithError
from goldsmith.executor.events import GuestRebooted, StepOutput
from goldsmith.executor.failures import ActionError
from goldsmith.executor.output import Output, StreamLines, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.executor.deadline import Deadline
    from goldsmith.executor.execution import Execution
    from goldsmith.executor.resolution import Resolver
    from goldsmith.guests.process import Completed, Stream

TOKEN_VARIABLE = "GOLDSMITH_STEP"  # noqa: S105  # a marker's name, not a password

REBOOT_LIMIT = 10
"""A step may restart the guest this often, by exit code 194 or by Reboot in a loop; then it fails."""

REBOOT_EXIT_CODE = 194

SWEEP_SECONDS = 60

SWEEP = """
round=0
while [ "$round" -lt 100 ]; do
  found=
  for environ in $(grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${environ#/proc/}
    kill -KILL "${pid%/environ}" 2>/dev/null && found=yes
  done
  [ -n "$found" ] || exit 0
  round=$((round + 1))
  sleep 0.05
done
exit 1
"""
"""Kills every process whose environment holds the marker until a look finds none, however it left its group."""


@dataclass(frozen=True)
class Ended:
    """How a step's own command ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Attempt:
    """What an action may use. ``quiet`` keeps inputs and output out of every log and event."""

    execution: Execution
    document: ComponentDocument
    address: str
    step: str
    action: str
    resolver: Resolver
    deadline: Deadline
    quiet: bool
    looping: bool
    reboots: int = 0

    def __post_init__(self) -> None:
        self.token = uuid.uuid4().hex
        self.detail: object = None

    def command(self, argv: Sequence[str], *, stdin: bytes | BinaryIO = b"") -> Completed:
        """Run a tool of ours in the guest, unlogged. Raises StepTimeoutError when the attempt's time is over."""
        done = self.execution.guest.run(
            argv,
            stdin=stdin,
            env=self._environment,
            cwd=self.execution.working_directory,
            timeout=self.deadline.remaining(),
        )
        if done.timed_out:
            raise self.deadline.error()
        return done

    def shell(self, script: str, *arguments: str, failing: str, stdin: bytes | BinaryIO = b"") -> bytes:
        """Run a script of ours by sh with arguments and return its stdout.

        Raises ActionError beginning with ``failing`` when it does not end with 0.
        """
        done = self.command(["sh", "-c", script, "sh", *arguments], stdin=stdin)
        if done.exit_code:
            said = readable(done.stderr).strip()
            raise ActionError(f"{failing}: {said or f'exit code {done.exit_code}'}.", stderr=said)
        return done.stdout

    def execute(self, argv: Sequence[str]) -> Ended:
        """Run a command of the document's author: logged line by line, its output kept up to a limit."""
        output = Output(self._lines("stdout"), self._lines("stderr"))
        self.say(f"CmdExecution: Starting execution of command with arguments {self._shown(argv)}")
        done = self.execution.guest.run(
            argv,
            env=self._environment,
            cwd=self.execution.working_directory,
            timeout=self.deadline.remaining(),
            on_output=output.take,
        )
        output.end()
        if done.timed_out:
            late = self.deadline.error()
            late.stderr = output.stderr
            raise late
        self.say(
            "CmdExecution: Terminating read operation on STDOUT pipe - EOF",
            "CmdExecution: Command execution has been completed",
        )
        if not done.exit_code:
            self.say("CmdExecution: Command execution was completed successfully")
        elif not self.quiet:
            self.say(f"CmdExecution: Stderr: {output.stderr}")
        self.say(f"CmdExecution: ExitCode {done.exit_code}")
        return Ended(done.exit_code, output.stdout, output.stderr)

    def say(self, *lines: str) -> None:
        """Write to console.log."""
        self.execution.log.console(*lines)

    def reboot(self) -> None:
        """Restart the guest. Raises ActionError when the step has done so too often."""
        if self.reboots >= REBOOT_LIMIT:
            raise ActionError(
                f"The step asked for more than {REBOOT_LIMIT} reboots.",
                mend="Make the script notice that it has already rebooted, for example by a file that it leaves.",
            )
        self.reboots += 1
        self.say("Getting reboot signal", "Rebooting the system now")
        begun = time.monotonic()
        self.execution.guest.reboot()
        self.say("Recovery completed for detailed output.", "Executor: System has rebooted successfully")
        self.execution.log.event(GuestRebooted(self.step, time.monotonic() - begun))

    def end_processes(self) -> None:
        """Kill whatever this attempt's commands left running in the guest.

        Only a process that also wiped its environment escapes; it ends with the guest.
        """
        guest = self.execution.guest
        with contextlib.suppress(GoldsmithError):
            guest.kill(self.token)
            swept = guest.run(["sh", "-c", SWEEP, "sh", f"{TOKEN_VARIABLE}={self.token}"], timeout=SWEEP_SECONDS)
            self.execution.log.application(f"Swept what the attempt left running: exit code {swept.exit_code}")

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.execution.environment, TOKEN_VARIABLE: self.token}

    def _shown(self, argv: Sequence[str]) -> str:
        return "[not logged]" if self.quiet else f"[{' '.join(argv)}]"

    def _lines(self, stream: Stream) -> StreamLines:
        def emit(lines: list[str]) -> None:
            if self.quiet:
                return
            if stream == "stdout":
                self.execution.log.output("Stdout", lines)
            self.execution.log.event(StepOutput(self.step, stream, "\n".join(lines)))

        return StreamLines(self.execution.redactor, emit)
