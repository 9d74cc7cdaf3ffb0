"""`goldsmith component validate|run|list`: awstoe's commands, on a sandbox."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.cli.output import print_json, print_table
from goldsmith.cli.programs import require_programs
from goldsmith.cli.validate import read_document
from goldsmith.cli.view import choose_view
from goldsmith.components import library
from goldsmith.documents.parser import parse_component
from goldsmith.errors import GoldsmithError
from goldsmith.executor.configuration import (
    DocumentRequest,
    NamedValue,
    RunConfiguration,
    load_configuration,
    parse_parameters,
    settle,
)
from goldsmith.executor.events import LogLine, StepEnded, StepOutput, StepStarted
from goldsmith.pipelines.home import Home, memory_for_work
from goldsmith.pipelines.recipe_components import component_services
from goldsmith.pipelines.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from goldsmith.executor.events import Event
    from goldsmith.executor.result import Result


@dataclass(frozen=True)
class RunRequest:
    """The flags of `component run` that are not awstoe's configuration."""

    documents: tuple[str, ...]
    flags: RunConfiguration
    config: str
    parameters: str
    parent: str
    host: bool
    blocked: tuple[str, ...]


def list_components(*, as_json: bool) -> None:
    """Print every managed component, its newest version first."""
    found = [library.resolve(name) for name in library.names()]
    if as_json:
        print_json([{"name": each.name, "version": each.version, "description": each.description} for each in found])
        return
    print_table(
        ("COMPONENT", "VERSION", "WHAT IT DOES"), [(each.name, each.version, each.description) for each in found]
    )


def validate_components(files: list[str], *, blocked: tuple[str, ...]) -> int:
    """Check documents; print awstoe's JSON object and, on standard error, each fault with its place."""
    if not files:
        raise GoldsmithError("There is no document to validate.", mend="Name one: goldsmith component validate FILE…")
    faults = [fault for file in files for fault in _faults(file, blocked)]
    for fault in faults:
        print(fault, file=sys.stderr)
    named = f"[{', '.join(files)}]"
    message = f"Document(s) {named} is/are valid." if not faults else "\n".join(faults)
    print(json.dumps({"validationStatus": "failed" if faults else "success", "message": message}))
    return 1 if faults else 0


def run_components(request: RunRequest) -> int:
    """Run documents; print awstoe's JSON summary, and what happens on standard error; return its exit code."""
    asked = _configuration(request)
    home = Home.default()
    if not request.host:
        require_programs()
        home.ready().require_room(memory_for_work())
    rehearsal = Rehearsal(
        configuration=asked,
        parent="" if request.host else request.parent,
        folder=Path.cwd(),
        log_directory=Path(asked.log_directory or "."),
        blocked=request.blocked,
    )
    view = choose_view(as_json=False)
    try:
        result = rehearse(rehearsal, home, component_services(Path.cwd()), view, _tell)
    finally:
        view.close()
    if not result.executed and asked.phase_names:
        print(f"Nothing was run: no document has a phase {' or '.join(asked.phase_names)}.", file=sys.stderr)
    _explain(result)
    print(json.dumps(result.summary(), indent=2))
    return result.exit_code


def _configuration(request: RunRequest) -> RunConfiguration:
    flags = request.flags
    if request.documents:
        documents = tuple(DocumentRequest(path=path) for path in request.documents)
        flags = flags.model_copy(update={"documents": documents})
    if request.parameters:
        values = parse_parameters(request.parameters)
        named = tuple(NamedValue(name=name, value=value) for name, value in values.items())
        flags = flags.model_copy(update={"parameters": named})
    file = load_configuration(read_document(request.config), request.config) if request.config else None
    return settle(flags, file)


def _faults(file: str, blocked: tuple[str, ...]) -> list[str]:
    try:
        document = parse_component(read_document(file), file)
    except GoldsmithError as error:
        return str(error).splitlines()
    return [
        f"{step.mark}: The module {step.action} is blocked."
        for phase in document.phases
        for step in phase.steps
        if step.action in blocked
    ]


def _tell(event: Event) -> None:
    """Print what happens as it happens."""
    if isinstance(event, StepStarted):
        print(f"{event.phase}: {event.step} ({event.action})", file=sys.stderr)
    elif isinstance(event, StepOutput):
        for line in event.text.splitlines():
            print(f"  {line}", file=sys.stderr)
    elif isinstance(event, StepEnded):
        said = f": {event.message}" if event.message else ""
        print(f"  {event.status} after {event.seconds:.2f} s{said}", file=sys.stderr)
    elif isinstance(event, LogLine):
        print(event.text, file=sys.stderr)


def _explain(result: Result) -> None:
    for line in result.failure.lines() if result.failure else ():
        print(line, file=sys.stderr)
