"""A build's durable record: steps by DBOS, executions in the catalogue, lines in the image's log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.engine.durable import fork, once
from goldsmith.pipelines.workflows.catalogued import Executions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from goldsmith.pipelines.engine.beside import Beside
    from goldsmith.pipelines.engine.records import ImageRecord
    from goldsmith.pipelines.engine.turns import Turns
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.stop import Stop
    from goldsmith.pipelines.workflows.ledger import Ledger


class BuildLedger:
    """One try's ledger; see `goldsmith.pipelines.workflows.ledger.Ledger`. It is used within durable work only."""

    def __init__(self, record: ImageRecord, name: str, stop: Stop, beside: Beside, turns: Turns) -> None:
        self._record = record
        self._name = name
        self._stop = stop
        self._beside = beside
        self._turns = turns
        self._executions: Executions | None = None

    @property
    def stop(self) -> Stop:
        """The signal that the build was cancelled."""
        return self._stop

    def follow(self, run: ImageRun) -> None:
        """Record executions as the run's from now on."""
        self._executions = Executions(self._record.world, run)

    def once(self, key: str, work: Callable[[], Any]) -> Any:
        """Run work and record what it returns, or return what is recorded."""
        return once(key, work)

    def beside(self, works: Mapping[str, Callable[[Ledger], Any]]) -> dict[str, Any]:
        """Run pieces of work at the same time, each recording for itself."""
        waits = {}
        for part, work in works.items():
            self._beside.offer(self._name, part, partial(work, self))
            waits[part] = fork(self._name, part)
        ended = {part: _ending(wait) for part, wait in waits.items()}
        for raised, _ in ended.values():
            if raised is not None:
                raise raised
        return {part: returned for part, (_, returned) in ended.items()}

    def idle(self) -> AbstractContextManager[object]:
        """Let other builds have this one's turn for the block."""
        return self._turns.lent()

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        """Write members of a workflow execution; applying configurations is integration of the image."""
        self._require().record_workflow(execution, facts)

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        """Write members of a step execution."""
        self._require().record_step(step, facts)
        if facts.get("action") == "ApplyImageConfigurations" and facts.get("status") == "RUNNING":
            self._record.pass_to("INTEGRATING")

    def say(self, line: str) -> None:
        """Write a line of the image's log."""
        self._record.say(line)

    def _require(self) -> Executions:
        if self._executions is None:
            raise LookupError("nothing is run before the image's parts are pinned")
        return self._executions


def _ending(wait: Callable[[], Any]) -> tuple[Exception | None, Any]:
    """Wait for a part and return what it raised, or what it returned: no part is left alone by another's error."""
    try:
        return None, wait()
    except Exception as broken:  # noqa: BLE001 - it is raised when all have ended
        return broken, None
