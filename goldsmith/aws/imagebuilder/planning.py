"""Which workflows an image's build runs: those that it names, else the managed ones (5.1, 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.aws.imagebuilder.references import find
from goldsmith.documents.arns import Arn
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.engine.planned import PlannedWorkflow
from goldsmith.workflows import library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from goldsmith.aws.imagebuilder.world import CloudWorld
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource


def plan(world: CloudWorld, image: Resource) -> list[PlannedWorkflow]:
    """Return the workflows of an image in the order in which they run. Raises GoldsmithError when one has gone.

    A container is always distributed: to its recipe's target repository where nothing else is configured.
    """
    with world.catalog(image.account, image.region, writes=False) as catalog:
        return list(_plan(catalog, image))


def _plan(catalog: Catalog, image: Resource) -> Iterator[PlannedWorkflow]:
    document = image.document
    named = document.get("workflows") or []
    given = [_named(catalog, each) for each in named]
    only = image.inner.get("stages")
    for stage in ("BUILD", "TEST", "DISTRIBUTION"):
        if only and stage not in only:
            continue
        if stage == "TEST" and not document["imageTestsConfiguration"]["imageTestsEnabled"]:
            continue
        own = [each for each in given if each.stage == stage]
        yield from own
        goes_somewhere = document.get("distributionConfiguration") or document["type"] == "DOCKER"
        distributes = stage == "DISTRIBUTION" and goes_somewhere
        if not own and (distributes or (not named and stage != "DISTRIBUTION")):
            managed = library.default_for(stage, document["type"])
            yield _named(catalog, {"workflowArn": managed.arn(image.region, version="x.x.x")})


def _named(catalog: Catalog, configured: Mapping[str, Any]) -> PlannedWorkflow:
    found = find(catalog, Arn.parse(configured["workflowArn"]))
    if found is None:
        raise GoldsmithError(f"The workflow {configured['workflowArn']} does not exist any more.")
    return PlannedWorkflow(
        found.id,
        found.document["type"],
        found.document["data"],
        tuple(configured.get("parameters") or ()),
        configured.get("parallelGroup", ""),
        configured.get("onFailure") == "CONTINUE",
    )
