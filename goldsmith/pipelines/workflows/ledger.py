"""What running a workflow asks of whoever runs it: a durable record of what was done, and where it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from goldsmith.pipelines.stop import Stop

JSON = Any
"""A value that JSON can hold."""


class Ledger(Protocol):
    """One build's durable record.

    A workflow that a killed server takes up again makes the same calls with the same keys in the same order; a key is
    used once in a build. What happens outside of `once` follows from what was recorded alone.
    """

    @property
    def stop(self) -> Stop:
        """The signal that the build was cancelled."""

    def once(self, key: str, work: Callable[[], JSON]) -> JSON:
        """Run ``work`` and record what it returns; taken up again, return that without running it.

        Killed while it runs, it is run again. Nothing that can be expected is raised through it.
        """

    def beside(self, works: Mapping[str, Callable[[Ledger], JSON]]) -> dict[str, JSON]:
        """Run pieces of work at the same time, each with a ledger of its own; return what each returned by its name.

        Called again after a restart, those that had ended give what was recorded, and the others go on.
        """

    def idle(self) -> AbstractContextManager[object]:
        """Let other builds have this one's turn for a block in which it only waits."""

    def record_workflow(self, execution: str, facts: Mapping[str, Any]) -> None:
        """Write members of a workflow execution (wf-…), the first time all that it has."""

    def record_step(self, step: str, facts: Mapping[str, Any]) -> None:
        """Write members of a step execution (step-…), the first time all that it has."""

    def say(self, line: str) -> None:
        """Tell a line of the image's log."""
