"""What all steps of a run share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from goldsmith.executor.facts import GuestFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.executor.log import RunLog
    from goldsmith.executor.redaction import Redactor
    from goldsmith.executor.result import Result
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest


@dataclass(frozen=True)
class DocumentRun:
    """A document to run with its parameters' values; ``arn`` where it is a component's build version."""

    document: ComponentDocument
    parameters: Mapping[str, str]
    arn: str = ""

    @property
    def address(self) -> str:
        """The name by which messages call the document: its ARN or its file."""
        return self.arn or self.document.file


@dataclass(frozen=True)
class Execution:
    """One run, or one nested run of ExecuteDocument.

    ``lineage`` holds the addresses of the documents that contain this one, outermost first; ``quiet`` is true
    when a containing step disabled logging.
    """

    id: str
    guest: Guest
    services: Services
    log: RunLog
    environment: Mapping[str, str]
    working_directory: str
    blocked: frozenset[str]
    resolutions: list[dict[str, str]]
    run_nested: Callable[[Execution, DocumentRun, Sequence[str] | None], Result]
    lineage: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def redactor(self) -> Redactor:
        """What keeps secrets out of sight."""
        return self.log.redactor

    @property
    def facts(self) -> GuestFacts:
        """What is true of the guest."""
        return GuestFacts(self.guest, self.environment, self.working_directory)

    def inside(self, address: str, execution_id: str, *, quiet: bool) -> Execution:
        """Return the execution of a document that ``address`` contains."""
        return replace(self, id=execution_id, lineage=(*self.lineage, address), quiet=self.quiet or quiet)
