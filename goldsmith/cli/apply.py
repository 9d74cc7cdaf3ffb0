"""`goldsmith apply`: pipeline files, CloudFormation templates and components become what the catalogue has."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.component_file import read_component
from goldsmith.cli.applying.parts import Replacements
from goldsmith.cli.applying.pipeline_file import read_pipeline
from goldsmith.cli.applying.plan import carry_out, make_plan
from goldsmith.cli.applying.sources import read_sources
from goldsmith.cli.applying.template_file import read_template
from goldsmith.cli.here import here
from goldsmith.cli.output import UsageError, print_json, print_table
from goldsmith.documents.templates.template import parse_template
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.cli.applying.change import Change, Wanted
    from goldsmith.cli.applying.sources import Source
    from goldsmith.cli.here import Here

SIGNS = {
    "create": "+",
    "new version": "+",
    "new build": "+",
    "update": "~",
    "unchanged": "=",
    "left out": "-",
    "conflict": "!",
}
MOST_DETAILS = 6


class ConflictError(GoldsmithError):
    """What is wanted cannot be, as what is there never changes."""

    exit_code = 2


@dataclass(frozen=True)
class Request:
    """What is applied and how, as the command line says it."""

    path: str
    yes: bool = False
    plan_only: bool = False
    parameters: tuple[str, ...] = ()
    replacements: Replacements = field(default_factory=Replacements)
    as_json: bool = False


def apply(request: Request) -> None:
    """Show what makes the catalogue as the files say, and do it once that is agreed to."""
    as_json = request.as_json
    with here() as home:
        wanted = _read(home, request)
        changes = make_plan(home, wanted, request.replacements)
        if not as_json:
            _show(changes)
        conflicts = [change for change in changes if change.verb == "conflict"]
        if conflicts:
            raise ConflictError(
                f"{len(conflicts)} of these cannot be: {conflicts[0].details[0]}.", mend="Nothing was changed."
            )
        pending = [change for change in changes if change.steps]
        if not pending or request.plan_only:
            _end(changes, [], as_json=as_json)
            return
        _require_consent(len(pending), yes=request.yes)
        made: list[Change] = []

        def tell(_: Wanted, change: Change) -> None:
            made.append(change)
            if not as_json:
                print(f"{change.kind} {change.name}: {_done(change)}", file=sys.stderr)

        try:
            carry_out(home, wanted, request.replacements, tell)
        except GoldsmithError as error:
            if as_json:
                _end(changes, made, as_json=True)
            done = f"{len(made)} of {len(pending)} changes are made and stay."
            raise ConflictError(
                error.message, mend=f"{error.mend} {done} Applied again, it goes on.".strip()
            ) from error
        _end(changes, made, as_json=as_json)


def _read(home: Here, request: Request) -> list[Wanted]:
    """Return what all files want: components first, as recipes of any file may name them."""
    sources, parameters = read_sources(request.path), _parameters(request.parameters)
    given = _parameters_by_file(sources, parameters)
    order = {"component": 0, "template": 1, "pipeline": 1}
    wanted: dict[str, Wanted] = {}
    for source in sorted(sources, key=lambda each: order[each.kind]):
        for each in _wanted(home, source, given.get(source.path, {}), request.replacements.parent):
            wanted.setdefault(each.key, each)
    return list(wanted.values())


def _parameters_by_file(sources: list[Source], given: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return which parameters each template gets: of several, those that it has. Raises UsageError."""
    templates = [source for source in sources if source.kind == "template"]
    if given and not templates:
        raise UsageError("Only templates take parameters, and there is none.", mend="Leave --parameter out.")
    if len(templates) == 1:
        return {templates[0].path: given}
    declared = {each.path: parse_template(each.text, each.path).parameters.entries for each in templates}
    for name in given:
        if not any(name in names for names in declared.values()):
            raise UsageError(f"No template has a parameter {name}.", mend="Check its spelling, case and all.")
    return {path: {name: given[name] for name in given if name in names} for path, names in declared.items()}


def _wanted(home: Here, source: Source, parameters: Mapping[str, str], parent: str) -> list[Wanted]:
    if source.kind == "component":
        return [read_component(source.text, source.path)]
    if source.kind == "pipeline":
        return read_pipeline(home, source)
    return read_template(home, source, parameters, parent)


def _parameters(said: tuple[str, ...]) -> dict[str, str]:
    parameters = {}
    for each in said:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{each!r} is no parameter.", mend="Write NAME=VALUE.")
        parameters[name] = value
    return parameters


def _require_consent(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to agree to this plan.", mend="Apply it with --yes.")
    answer = input(f"Make these {count} changes? [y/N] ")
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was changed.", mend="Answer y, or give --yes.")


def _show(changes: list[Change]) -> None:
    print_table(
        ("", "PLAN", "KIND", "NAME"),
        [(SIGNS[change.verb], change.verb, _kind(change), _name(change)) for change in changes],
    )
    for change in changes:
        if change.details and change.verb not in {"left out", "unchanged"}:
            print(f"\n{change.kind} {change.name}")
            for detail in change.details[:MOST_DETAILS]:
                print(f"    {detail}")
            if len(change.details) > MOST_DETAILS:
                print(f"    and {len(change.details) - MOST_DETAILS} more")
    if any(change.verb == "left out" for change in changes):
        print("\nWhat is left out is not made here; what refers to it gets the name in brackets.")


def _kind(change: Change) -> str:
    return change.details[0] if change.verb == "left out" else change.kind


def _name(change: Change) -> str:
    return f"{change.name} [{change.identity.reference}]" if change.verb == "left out" else change.name


def _done(change: Change) -> str:
    return {"update": "updated", "create": "created"}.get(change.verb, change.verb)


def _end(changes: list[Change], made: list[Change], *, as_json: bool) -> None:
    if as_json:
        print_json([_shown(change) | {"made": change in made} for change in changes])
    elif made:
        print(f"{len(made)} changes made.")
    elif not any(change.steps for change in changes):
        print("\nEverything is as the files say.")


def _shown(change: Change) -> dict[str, Any]:
    whole = asdict(change)
    return {
        "plan": change.verb,
        "kind": _kind(change),
        "name": change.name,
        "reference": change.identity.reference,
        "details": [] if change.verb == "left out" else list(change.details),
        "calls": [f"{step['service']}:{step['operation']}" for step in whole["steps"]],
    }
