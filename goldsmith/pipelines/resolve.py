"""From a pipeline as written to a plan: every reference looked up, every version pinned, nothing run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageStore
from goldsmith.disks.plan import DEFAULT_SIZE, GIB
from goldsmith.documents.arns import slug_of
from goldsmith.documents.faults import near_name
from goldsmith.pipelines.parents import pin_parent
from goldsmith.pipelines.plan import BuildPlan, PlannedComponent
from goldsmith.pipelines.recipe_components import planned_component
from goldsmith.pipelines.unresolved import Faults, UnresolvedError
from goldsmith.trees.cleanup.rule import all_rules
from goldsmith.trees.layers import digest_of
from goldsmith.trees.scan.digest import RULES_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from goldsmith.documents.pipeline import Pipeline
    from goldsmith.documents.recipe import ImageRecipe
    from goldsmith.documents.source import Mark
    from goldsmith.pipelines.home import Home


def resolve(
    pipeline: Pipeline, folder: Path, home: Home, *, parameters: Mapping[str, str], mark_at: Callable[..., Mark]
) -> BuildPlan:
    """Return the plan of a pipeline that stands in ``folder``.

    ``parameters`` are values from the command line, for every component that declares them. ``mark_at`` gives the
    place of the value under a path of keys. Raises DocumentError with every component, version, parameter, parent
    and rule that is not there, each at its place, and ArchiveError for archives that cannot be reached.
    """
    recipe = pipeline.image_recipe
    faults = Faults(mark_at)
    found = []
    for number, each in enumerate(recipe.components):
        with faults.at("imageRecipe", "components", number, "componentArn"):
            found.append(planned_component(each, folder, parameters))
    with faults.at("imageRecipe", "builder"):
        _check_builder(recipe)
    for number, rule in enumerate(pipeline.cleanup.skip):
        with faults.at("cleanup", "skip", number):
            _check_rule(rule, {each.flag for each in all_rules() if each.flag})
    for number, rule in enumerate(pipeline.cleanup.enable):
        with faults.at("cleanup", "enable", number):
            _check_rule(rule, set())
    try:
        with faults.at("imageRecipe", "parentImage"):
            parent = pin_parent(recipe.parent_image, folder, home)
    finally:  # a document's own faults come before a network that is not there
        faults.raise_any()
    components = tuple(found)
    _check_used(parameters, components)
    tests = pipeline.image_tests_configuration
    return BuildPlan(
        name=slug_of(recipe.name),
        version=_version(recipe, home),
        description=recipe.description or pipeline.description or "",
        parent_image=recipe.parent_image,
        parent=parent,
        components=components,
        working_directory=recipe.working_directory,
        skip_cleanup=frozenset(pipeline.cleanup.skip),
        enable_cleanup=frozenset(pipeline.cleanup.enable),
        remove_accounts=pipeline.cleanup.accounts == "remove",
        allow=tuple(pipeline.cleanup.allow),
        disk_bytes=recipe.volume_size * GIB if recipe.volume_size else DEFAULT_SIZE,
        firmware=tuple(tests.firmware),
        tests_enabled=tests.image_tests_enabled,
        test_minutes=tests.timeout_minutes,
        tags=dict(recipe.ami_tags),
        seal={
            "cleanup": digest_of([[rule.name, rule.script] for rule in all_rules()]),
            "scan": RULES_DIGEST,
        },
    )


def _check_builder(recipe: ImageRecipe) -> None:
    if recipe.builder == "machine":
        raise UnresolvedError(
            f"The recipe {recipe.name} asks for builder: machine, which this version does not have.",
            mend="Leave builder out: components are built in a sandbox, and their test phases run in a booted machine.",
        )


def _check_rule(name: str, flags: set[str]) -> None:
    known = {rule.name for rule in all_rules()} | flags
    if name not in known:
        near = near_name(name, known)
        raise UnresolvedError(
            f"There is no cleanup rule {name}.",
            mend=f"Did you mean {near}?" if near else "docs/cleanup.md lists them.",
        )


def _check_used(parameters: Mapping[str, str], components: tuple[PlannedComponent, ...]) -> None:
    declared = {parameter.name for component in components for parameter in component.document.parameters}
    unused = sorted(set(parameters) - declared)
    if unused:
        raise UnresolvedError(
            f"No component of the recipe has a parameter {', '.join(unused)}.",
            mend=f"They have: {', '.join(sorted(declared)) or 'none'}.",
        )


def _version(recipe: ImageRecipe, home: Home) -> str:
    """Return the concrete version: of a wildcard, the one that follows the newest image here."""
    pattern = recipe.version
    return str(pattern.next(ImageStore(home.images).versions(slug_of(recipe.name))))
