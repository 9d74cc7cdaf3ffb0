"""Whether a pipeline's next scheduled run has a reason: `goldsmith pipeline` shows it, the scheduler acts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.catalog.resources import Query
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.schedules.causes import Causes
from goldsmith.pipelines.schedules.dependencies import Dependencies, MadeOf
from goldsmith.pipelines.schedules.package_updates import newer_packages

if TYPE_CHECKING:
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.schedules.causes import Newer
    from goldsmith.pipelines.world import World

FIRST = "the pipeline has no image yet"
WHOLE = ("AVAILABLE", "DEPRECATED", "DISABLED")
"""States of images that came of a build that succeeded, and are still there."""


def why_build(world: World, pipeline: Resource, last_image: Resource | None) -> Causes:
    """Return what is newer than what a pipeline's last image is made of; see `last_image`.

    What cannot be looked up is told in ``problems`` and is no reason to build.
    """
    if last_image is None:
        return Causes(always=FIRST)
    dependencies, made_of = Dependencies(world, pipeline), MadeOf.read(last_image)
    try:
        recipe = dependencies.recipe()
    except GoldsmithError as failed:
        return Causes(problems=(f"the recipe could not be looked up: {failed.message}",))
    another = dependencies.newer_recipe(recipe, made_of)
    parent = dependencies.newer_parent(recipe, made_of)
    components = dependencies.newer_components(recipe, made_of)
    packages: tuple[Newer, ...] = ()
    passed_over: tuple[Newer, ...] = ()
    try:
        packages, passed_over = newer_packages(world, last_image)
    except GoldsmithError as failed:
        dependencies.problems.append(f"the package archives could not be looked at: {failed.message}")
    return Causes("", another, parent, components, packages, passed_over, tuple(dependencies.problems))


def last_image(catalog: Catalog, pipeline: Resource) -> Resource | None:
    """Return the newest image of a pipeline whose build succeeded; None when there is none."""
    return max(images_of(catalog, pipeline, WHOLE), key=lambda image: image.position, default=None)


def images_of(catalog: Catalog, pipeline: Resource, states: tuple[str, ...]) -> list[Resource]:
    """Return a pipeline's images in some states, () for any."""
    query = Query("image-build", uses=(pipeline.id,), states=states, owners=(pipeline.account,))
    return list(catalog.find(query))
