"""One step: its condition, its attempts, its loop, its status (4.1, 4.7, 4.8)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.executor.actions import ACTIONS
from goldsmith.executor.attempt import Attempt
from goldsmith.executor.conditions import holds
from goldsmith.executor.deadline import UNLIMITED, Deadline
from goldsmith.executor.events import AttemptFailed, IterationStarted, StepEnded, StepStarted
from goldsmith.executor.failures import ActionError, RebootAndRerunError, StepTimeoutError, TooMuchOutputError
from goldsmith.executor.loops import collate, iterations
from goldsmith.executor.records import StepRecord, now
from goldsmith.guests.guest import GuestError

if TYPE_CHECKING:
    from goldsmith.documents.component import ComponentDocument, Phase, Step
    from goldsmith.executor.actions import Action
    from goldsmith.executor.chain import Chain
    from goldsmith.executor.execution import DocumentRun, Execution
    from goldsmith.executor.loops import Iteration, Outputs
    from goldsmith.executor.resolution import Resolver

UNTIMED_ACTIONS = frozenset({"ExecuteDocument", "Reboot"})


@dataclass
class StepRunner:
    """Runs one step of a document and keeps its record."""

    execution: Execution
    run: DocumentRun
    phase: Phase
    step: Step
    chain: Chain
    resolver: Resolver

    def __post_init__(self) -> None:
        step = self.step
        self.timeout = UNLIMITED if step.action in UNTIMED_ACTIONS else step.timeout_seconds
        self.quiet = self.execution.quiet or any(part.disable_logging for part in (self.document, self.phase, step))
        self.record = StepRecord(step.name, step.action, self.timeout, step.on_failure, step.max_attempts)
        self.reboots = 0
        self.inputs: list[Any] = []

    @property
    def document(self) -> ComponentDocument:
        """The document that the step belongs to."""
        return self.run.document

    def go(self) -> StepRecord:
        """Run the step to its end. Raises only when the guest is gone or the run is interrupted."""
        begun = time.monotonic()
        place = (self.document.name, self.phase.name, self.step.name)
        self.execution.log.console(f"Step {self.step.name}")
        self.execution.log.event(StepStarted(*place, self.step.action))
        try:
            self._decide()
        except GuestError:
            raise
        except GoldsmithError as failed:
            self._fail(failed)
        self.record.end = now()
        message = self.execution.redactor.text(self.record.failure_message)
        self.execution.log.event(StepEnded(*place, self.record.status, time.monotonic() - begun, message))  # type: ignore[arg-type]
        return self.record

    def _decide(self) -> None:
        action = self._action()
        condition = self.step.condition
        if condition:
            true = holds(condition.expression, self.execution.facts, self.resolver.tree)
            decision = condition.then if true else condition.otherwise
            self.execution.log.application(f"The condition of step {self.step.name} is {true}: {decision}")
            if decision == "Abort":
                raise ActionError(f"The step's condition is {str(true).lower()}, which says to abort.")
            if decision == "Skip":
                self.record.status = "skipped"
                self.record.failure_message = ""
                self.chain.skipped(self.phase.name, self.step.name)
                return
        self._try(action)

    def _action(self) -> Action:
        name = self.step.action
        if name in self.execution.blocked:
            raise ActionError(f"The action module {name} is blocked in this run.")
        if name not in ACTIONS:
            raise ActionError(f"There is no action module {name}.")
        return ACTIONS[name]

    def _try(self, action: Action) -> None:
        attempts = self.step.max_attempts
        for number in range(1, attempts + 1):
            try:
                outputs = self._attempt(action)
            except ActionError as failed:
                if number == attempts:
                    raise
                self._note_failed_attempt(number, failed)
            else:
                self.chain.ran(self.phase.name, self.step.name, self.inputs, outputs)
                self._remember(outputs)
                self.record.status = "success"
                self.record.failure_message = ""
                return

    def _attempt(self, action: Action) -> Outputs:
        deadline = Deadline(self.timeout)
        if not self.step.loop:
            return self._operate(action, self.resolver, deadline)
        turns: list[Outputs] = []
        notes: list[dict[str, Any]] = []
        self.record.loop = {"name": self.step.loop.name, "iterations": notes}
        for iteration in iterations(self.step.loop, self.resolver.text):
            self.execution.log.event(
                IterationStarted(self.step.name, iteration.index, self.execution.redactor.text(iteration.value))
            )
            note = {"index": iteration.index, "value": None if self.quiet else iteration.value, "status": "success"}
            notes.append(note)
            turns.append(self._turn(action, iteration, deadline, note))
        return collate(turns)

    def _turn(self, action: Action, iteration: Iteration, deadline: Deadline, note: dict[str, Any]) -> Outputs:
        try:
            return self._operate(action, self.resolver.within(iteration), deadline)
        except StepTimeoutError as late:
            note["status"] = "timedOut"
            message = f"The loop timed out at index {iteration.index}: {late.message}"
            raise StepTimeoutError(message, stderr=late.stderr, mend=late.mend) from late
        except ActionError as failed:
            note["status"] = "failed"
            message = f"The loop failed at index {iteration.index}: {failed.message}"
            raise ActionError(message, stderr=failed.stderr, mend=failed.mend) from failed
        finally:
            note["detailedOutput"] = self.record.detail

    def _operate(self, action: Action, resolver: Resolver, deadline: Deadline) -> Outputs:
        """Run the action, again and again while it asks for a reboot; the time starts anew after each."""
        inputs = resolver.tree(self.step.inputs)
        self.inputs = inputs if isinstance(inputs, list) else [inputs]
        attempt = Attempt(
            execution=self.execution,
            document=self.document,
            address=self.run.address,
            step=self.step.name,
            action=self.step.action,
            resolver=resolver,
            deadline=deadline,
            quiet=self.quiet,
            looping=self.step.loop is not None,
            reboots=self.reboots,
        )
        attempt.say(f"{self.step.action}: STARTED EXECUTION")
        try:
            return self._until_done(action, inputs, attempt)
        except BaseException as ending:
            if isinstance(ending, StepTimeoutError | TooMuchOutputError) or not isinstance(ending, ActionError):
                attempt.end_processes()
            raise
        finally:
            self.reboots = attempt.reboots
            self.record.detail = attempt.detail
            attempt.say(f"{self.step.action}: FINISHED EXECUTION")

    def _until_done(self, action: Action, inputs: Any, attempt: Attempt) -> Outputs:
        while True:
            try:
                return action.run(inputs, attempt)
            except RebootAndRerunError:
                attempt.reboot()
                attempt.deadline = Deadline(self.timeout)

    def _note_failed_attempt(self, number: int, failed: ActionError) -> None:
        left = self.step.max_attempts - number
        message = self.execution.redactor.text(failed.message)
        self.execution.log.console(
            f"Executor: Attempt {number} of {self.step.max_attempts} failed: {message}", level="Error"
        )
        self.execution.log.event(AttemptFailed(self.step.name, number, left, message))

    def _remember(self, outputs: Outputs) -> None:
        if not self.quiet:
            self.record.inputs = self.execution.redactor.tree([_plain(entry) for entry in self.inputs])
            self.record.outputs = self.execution.redactor.tree(outputs)

    def _fail(self, failed: GoldsmithError) -> None:
        late = isinstance(failed, StepTimeoutError)
        self.record.status = "timedOut" if late else "failed"
        if self.step.on_failure == "Ignore":
            self.record.status = "ignoredFailure"
        self.record.failure_message = failed.message
        self.record.stderr = "" if self.quiet else getattr(failed, "stderr", "")
        self._remember([])
        self.record.outputs = None
        self.chain.ran(self.phase.name, self.step.name, self.inputs, [])
        self.execution.log.console(f"Executor: Step {self.step.name} failed: {failed.message}", level="Error")


def _plain(entry: Any) -> Any:
    """Return an Assert's expression as mappings; other inputs as they are."""
    return asdict(entry) if is_dataclass(entry) and not isinstance(entry, type) else entry
