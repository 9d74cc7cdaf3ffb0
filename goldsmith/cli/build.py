"""`goldsmith build`: from a pipeline file to a tested image, shown while it goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageStore
from goldsmith.cli.images import describe
from goldsmith.cli.output import UsageError, print_json_line
from goldsmith.cli.programs import require_programs
from goldsmith.cli.validate import read_document
from goldsmith.cli.view import choose_view
from goldsmith.documents.composing import compose
from goldsmith.documents.kind import kind_of
from goldsmith.documents.nodes import mark_at
from goldsmith.documents.pipeline import parse_pipeline
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home, memory_for_work
from goldsmith.pipelines.outputs import OUTPUTS
from goldsmith.pipelines.progress import Note, StageStarted
from goldsmith.pipelines.recipe_components import component_services
from goldsmith.pipelines.request import BuildRequest, unchanged
from goldsmith.pipelines.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.cli.view import View
    from goldsmith.documents.pipeline import Pipeline
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.plan import BuildPlan
    from goldsmith.pipelines.progress import BuildEvent
    from goldsmith.pipelines.request import Built


def run_build(
    file: str, *, formats: str, use_cache: bool, keep_failed: bool, parameters: list[str], as_json: bool
) -> int:
    """Build and print what came of it; return the process's exit code."""
    begun = time.monotonic()
    chosen, pairs = _known(formats), _pairs(parameters)
    text = read_document(file)
    pipeline = _pipeline(text, file)
    home = Home.default().ready()
    plan = resolve(pipeline, Path(file).parent, home, parameters=pairs, mark_at=partial(mark_at, compose(text, file)))
    view = Following(choose_view(as_json=as_json))
    request = BuildRequest(formats=chosen, use_cache=use_cache, on_failure=_shell(view) if keep_failed else None)
    services = component_services(Path(file).parent)
    try:
        built = unchanged(plan, home, request) or _built(plan, home, request, services, view)
    except GoldsmithError as error:
        if as_json:
            print_json_line({"event": "Failed", "message": error.message, "mend": error.mend})
        raise
    finally:
        view.close()
    ami = _catalogue(built, home)
    _report(built, home, time.monotonic() - begun, ami, as_json=as_json)
    return 0


def _pipeline(text: str, file: str) -> Pipeline:
    if kind_of(text) == "component":
        raise UsageError(
            f"{file} is a component document, and a build needs a pipeline file that names it.",
            mend=f"Try the component alone with: goldsmith component run {file}",
        )
    return parse_pipeline(text, file)


def _built(plan: BuildPlan, home: Home, request: BuildRequest, services: Services, view: View) -> Built:
    """Load what builds only when something is to be built."""
    from goldsmith.pipelines.build import build

    require_programs()
    home.require_room(memory_for_work())
    return build(plan, home, request, services, view)


def _catalogue(built: Built, home: Home) -> str:
    """Make an AMI of what was built, where the home has a catalogue; return its id, empty for none."""
    if built.unchanged or not (home.path / "catalog.sqlite").exists():
        return ""
    from goldsmith.aws.baked_images import adopt
    from goldsmith.aws.cloud import Cloud

    cloud = Cloud.open(home)
    try:
        return next(reversed(adopt(cloud)), "")
    finally:
        cloud.close()


def _report(built: Built, home: Home, seconds: float, ami: str, *, as_json: bool) -> None:
    if as_json:
        facts = {"unchanged": built.unchanged, "path": str(built.folder), **asdict(built.image)}
        facts |= {"ami": ami} if ami else {}
        print_json_line({"event": "Built", **facts})
        return
    state = "Nothing has changed since" if built.unchanged else "Built"
    print(
        f"\n{state} in {seconds:.1f} s:" if not built.unchanged else f"{state} this build ({seconds:.2f} s to see it):"
    )
    for line in describe(built.image, ImageStore(home.images)):
        print(line)
    if ami:
        print(f"  ami         {ami}")
    print(f"\nNext: goldsmith show {built.image.reference} --packages")


def _pairs(parameters: list[str]) -> dict[str, str]:
    """Read name=value words; several may stand in one, parted by commas before the next name."""
    pairs = {}
    for word in parameters:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(
                f"The parameter {word!r} is not of the form name=value.",
                mend="For example: --parameters Greeting=Hello",
            )
        pairs[name] = value
    return pairs


def _known(formats: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown or not names:
        raise UsageError(
            f"There is no format {', '.join(unknown) or 'of an empty name'}.",
            mend=f"There are: {', '.join(OUTPUTS)}.",
        )
    return names


class Following:
    """A view that remembers the last thing a build said, for the person who is given a shell."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.last = ""

    def __call__(self, event: BuildEvent) -> None:
        """Show an event."""
        if isinstance(event, StageStarted):
            self.last = event.stage
        elif isinstance(event, Note):
            self.last = f"{event.stage}, {event.text}"
        self._view(event)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._view.close()


def _shell(view: Following) -> Callable[[Guest], None]:
    """What --keep-failed does: a shell where it failed, on a terminal."""

    def open_shell(guest: Guest) -> None:
        view.close()
        if not sys.stdin.isatty():
            print("--keep-failed opens a shell only on a terminal; the logs are kept all the same.", file=sys.stderr)
            return
        print(f"Failed: {view.last}. This is a shell in its guest; leave it with exit.", file=sys.stderr, flush=True)
        subprocess.call(guest.shell())

    return open_shell
