"""What is wanted against what is there: the changes, each after what it needs, and carrying them out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.change import Change
from goldsmith.cli.applying.image_builder import BY_NOUN, plan_resource
from goldsmith.cli.applying.images import plan_image
from goldsmith.cli.applying.kept import plan_facts, run_step
from goldsmith.cli.applying.parts import Replacements, fit_recipe
from goldsmith.cli.applying.surroundings import NOT_KNOWN, PLANNERS
from goldsmith.documents.source import DocumentError
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goldsmith.cli.applying.change import Wanted
    from goldsmith.cli.here import Here
    from goldsmith.documents.templates.scope import Identity


class TwiceWantedError(GoldsmithError):
    """Two files want one resource, each otherwise."""

    exit_code = 2


class NotAppliedError(GoldsmithError):
    """A change was refused; those before it are made."""


@dataclass
class Planner:
    """Plans one resource after another, remembering what each will be and who wanted it."""

    here: Here
    replacements: Replacements

    def __post_init__(self) -> None:
        self.known: dict[str, Identity] = {}
        self._asked: dict[tuple[str, str], tuple[Wanted, dict[str, Any]]] = {}

    def plan(self, wanted: Wanted) -> Change | None:
        """Return what makes a resource as it is wanted, None where another file has wanted the very same.

        Raises GoldsmithError with the place of what is wanted.
        """
        parameters = wanted.parameters(self.known)
        try:
            change = self._change(wanted, parameters)
        except GoldsmithError as error:
            raise _placed(error, wanted) from error
        self.known[wanted.key] = change.identity
        if change.kind == "left-out":
            return change
        reference = change.identity.reference
        unique = change.name if reference == NOT_KNOWN else reference
        before, asked = self._asked.setdefault((change.kind, unique), (wanted, parameters))
        if before.key == wanted.key:
            return change
        if asked != parameters:
            raise TwiceWantedError(
                f"{wanted.mark}: the {change.kind} {change.name} is wanted otherwise in {before.mark.file}.",
                mend="Give one of them another name.",
            )
        return None

    def _change(self, wanted: Wanted, parameters: dict[str, Any]) -> Change:
        if wanted.kind == "left-out":
            return Change("left out", "left-out", wanted.name, parameters["identity"], (), (parameters["type"],))
        if wanted.kind == "image":
            return plan_image(self.here, parameters)
        if wanted.kind in PLANNERS:
            return PLANNERS[wanted.kind](self.here, parameters)
        if wanted.kind not in BY_NOUN:
            raise LookupError(wanted.kind)
        facts = parameters.get("facts")
        asked = {name: value for name, value in parameters.items() if name != "facts"}
        if wanted.kind in {"image-recipe", "container-recipe"}:
            return self._recipe(wanted.kind, asked)
        change = plan_resource(self.here, wanted.kind, asked)
        return plan_facts(self.here, change, facts) if facts is not None else change

    def _recipe(self, noun: str, parameters: dict[str, Any]) -> Change:
        fitted = fit_recipe(self.here, noun, parameters, self.replacements)
        change = plan_resource(self.here, noun, fitted.parameters)
        if fitted.missing:
            return replace(change, verb="conflict", steps=(), details=fitted.missing)
        return replace(change, details=(*fitted.notes, *change.details))


def _placed(error: GoldsmithError, wanted: Wanted) -> GoldsmithError:
    """Return an error that says which file it is about."""
    if isinstance(error, DocumentError):
        return error
    return NotAppliedError(f"{wanted.mark}: {wanted.name}: {error.message}", mend=error.mend)


def make_plan(here: Here, wanted: Sequence[Wanted], replacements: Replacements) -> list[Change]:
    """Return the changes that make all that is wanted, in their order. Raises GoldsmithError."""
    planner = Planner(here, replacements)
    return [change for each in wanted if (change := planner.plan(each))]


def see_begun(here: Here, arn: str, *, awaited: bool) -> None:
    """See an image's build through where something needs what comes of it, or nobody else builds it.

    Raises NotAppliedError when it ends without an image.
    """
    from goldsmith.cli.pipeline_runs import is_served, see_through

    if not awaited and is_served(here):
        return
    state = see_through(here, arn)["state"]
    if state["status"] != "AVAILABLE":
        raise NotAppliedError(
            f"its build {arn.partition('/')[2]} is {state['status']}: {state.get('reason', '')}",
            mend=f"Its log: goldsmith pipeline logs {arn.partition('/')[2]}.",
        )


def carry_out(
    here: Here, wanted: Sequence[Wanted], replacements: Replacements, made: Callable[[Wanted, Change], None]
) -> None:
    """Make all that is wanted; ``made`` hears of each change once it is there.

    Each is planned again when what it needs is there, and once more to learn what it has become. Raises
    NotAppliedError for the first that is refused.
    """
    planner = Planner(here, replacements)
    for each in wanted:
        change = planner.plan(each)
        if change is None or not change.steps:
            continue
        try:
            for step in change.steps:
                answer = run_step(here, step)
                if each.kind == "image":
                    see_begun(here, answer["imageBuildVersionArn"], awaited=each.awaited)
        except GoldsmithError as error:
            raise NotAppliedError(
                f"{each.mark}: {change.kind} {change.name}: {error.message}", mend=error.mend
            ) from error
        made(each, change)
        planner.plan(each)
