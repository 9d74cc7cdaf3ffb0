"""Image Builder's lists and looks at 10,000 images, over HTTP; writes bench/imagebuilder.md."""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from bench.catalogue.__main__ import Table, render
from bench.catalogue.world import REGION, client, served
from goldsmith.aws.call import Call
from goldsmith.aws.imagebuilder.builds import begin_pipeline
from goldsmith.aws.imagebuilder.newest import NEWEST
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.aws.models import find_operation
from goldsmith.catalog.accounts import all_accounts
from goldsmith.catalog.tables import RESOURCES, USES
from goldsmith.pipelines.engine.states import in_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.catalogue.world import World
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

RESULTS = Path(__file__).with_name("imagebuilder.md")
CALLS = 1_000
GOAL = 0.050
RECIPES, VERSIONS, BUILDS = 90, 10, 10
MANY = 1_000
"""Builds of one more recipe's only version, all of one pipeline."""

COMPONENT = """\
name: hello
schemaVersion: 1.0
phases:
  - name: build
    steps: [{name: Hello, action: ExecuteBash, inputs: {commands: [echo hello]}}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.imagebuilder", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="goldsmith-bench-", dir="/var/tmp") as name:
        measure(table, Path(name) / "home")
    asked.out.write_text(
        render(table).replace("# The catalogue, measured", "# Image Builder at 10,000 images, measured")
    )
    print(f"Written to {asked.out}")


def measure(table: Table, folder: Path) -> None:
    """Ask every kind of call as often as the others, in turn."""
    with served(folder) as world:
        builder = client(world.home, world.url, "imagebuilder")
        pipelines = _furnish(builder)
        heads = _fill(world, pipelines)
        kinds = _kinds(builder, heads, pipelines)
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        draw = random.Random(7)  # noqa: S311 - the same calls in each run
        for name, ask in kinds.items():
            if not ask(draw):
                raise AssertionError(name)
        for _ in range(CALLS // len(kinds)):
            for name, ask in kinds.items():
                begun = time.perf_counter()
                ask(draw)
                taken[name].append(time.perf_counter() - begun)
    for name, seconds in {"all of these": [each for some in taken.values() for each in some], **taken}.items():
        p95 = statistics.quantiles(seconds, n=20)[-1]
        table.add(
            f"{len(seconds)} times {name}" if name in taken else f"{len(seconds)} calls: {name}",
            f"median {statistics.median(seconds) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms",
            f"p95 under {GOAL * 1000:.0f} ms",
            met=p95 < GOAL,
        )


def _kinds(builder: Any, heads: list[str], pipelines: list[str]) -> dict[str, Callable[[random.Random], Any]]:
    """Return what is asked; each answers something true."""

    def named(draw: random.Random, pattern: str = "{}") -> list[dict[str, Any]]:
        return [{"name": "name", "values": [pattern.format(f"recipe {draw.randrange(RECIPES):03}")]}]

    versions = [f"{head}/{number}.0.0" for head in heads[:-1] for number in range(VERSIONS)]
    return {
        "GetImage by build": lambda draw: builder.get_image(
            imageBuildVersionArn=f"{draw.choice(versions)}/{draw.randint(1, BUILDS)}"
        )["image"],
        "GetImage by version": lambda draw: builder.get_image(imageBuildVersionArn=draw.choice(versions))["image"],
        "GetImage by x.x.x": lambda draw: builder.get_image(imageBuildVersionArn=f"{draw.choice(heads[:-1])}/x.x.x")[
            "image"
        ],
        f"GetImage by a version of {MANY} builds": lambda _: builder.get_image(
            imageBuildVersionArn=f"{heads[-1]}/0.0.0"
        )["image"],
        "ListImages": lambda _: builder.list_images()["imageVersionList"],
        "ListImages, a page of 100": lambda _: builder.list_images(maxResults=100)["imageVersionList"],
        "ListImages by a name": lambda draw: builder.list_images(filters=named(draw))["imageVersionList"],
        "ListImages by a name*": lambda draw: builder.list_images(filters=named(draw, "{}*"))["imageVersionList"],
        "ListImages byName": lambda _: builder.list_images(byName=True)["imageVersionList"],
        "ListImages byName, a page of 100": lambda _: builder.list_images(byName=True, maxResults=100)[
            "imageVersionList"
        ],
        "ListImageBuildVersions of a version": lambda draw: builder.list_image_build_versions(
            imageVersionArn=draw.choice(versions)
        )["imageSummaryList"],
        f"ListImageBuildVersions of a version of {MANY} builds": lambda _: builder.list_image_build_versions(
            imageVersionArn=f"{heads[-1]}/0.0.0"
        )["imageSummaryList"],
        "ListImageBuildVersions of all": lambda _: builder.list_image_build_versions()["imageSummaryList"],
        "ListImageBuildVersions of all, a page of 100": lambda _: builder.list_image_build_versions(maxResults=100)[
            "imageSummaryList"
        ],
        f"ListImagePipelineImages of {MANY}": lambda _: builder.list_image_pipeline_images(
            imagePipelineArn=pipelines[-1]
        )["imageSummaryList"],
        "ListImagePipelines": lambda _: builder.list_image_pipelines()["imagePipelineList"],
        "ListImagePipelines, a page of 100": lambda _: builder.list_image_pipelines(maxResults=100)[
            "imagePipelineList"
        ],
        "GetImagePipeline": lambda draw: builder.get_image_pipeline(imagePipelineArn=draw.choice(pipelines))[
            "imagePipeline"
        ],
    }


def _furnish(builder: Any) -> list[str]:
    """Make as many pipelines as an account may have; return their ARNs."""
    component = builder.create_component(name="hello", semanticVersion="1.0.0", platform="Linux", data=COMPONENT)
    infrastructure = builder.create_infrastructure_configuration(name="bench", instanceProfileName="builder")
    recipe = builder.create_image_recipe(
        name="bench",
        semanticVersion="1.0.0",
        parentImage="debian/12",
        components=[{"componentArn": component["componentBuildVersionArn"]}],
    )
    made = (
        builder.create_image_pipeline(
            name=f"pipeline {number}",
            imageRecipeArn=recipe["imageRecipeArn"],
            infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
            tags={"number": str(number)},
        )
        for number in range(75)
    )
    return [each["imagePipelineArn"] for each in made]


def _fill(world: World, pipelines: list[str]) -> list[str]:
    """Write down images as if they had been built; return their ARNs without versions, that of many builds last."""
    with world.cloud.database.reading() as connection:
        account = all_accounts(connection)[0]
    with world.cloud.catalog(account, REGION) as catalog:
        image = _sample(world, catalog, pipelines[0])
        plan = [(number, VERSIONS, BUILDS) for number in range(RECIPES)] + [(RECIPES, 1, MANY)]
        rows = [row for number, versions, builds in plan for row in _rows(image, number, versions, builds, pipelines)]
        columns = [name for name in RESOURCES.c.keys() if name != "position"]  # noqa: SIM118
        catalog.connection.execute(insert(RESOURCES), [{name: getattr(row, name) for name in columns} for row in rows])
        where = (RESOURCES.c.kind == "image-build",)
        found = catalog.connection.execute(select(RESOURCES.c.position, RESOURCES.c.document).where(*where)).all()
        common = {"kind": "image-build", "region": REGION, "account": account.id}
        catalog.connection.execute(
            insert(USES),
            [{"position": row.position, "target": row.document["sourcePipelineArn"], **common} for row in found],
        )
    return [f"arn:aws:imagebuilder:{REGION}:{account.id}:image/recipe-{number:03}" for number, *_ in plan]


def _sample(world: World, catalog: Catalog, pipeline: str) -> Resource:
    """Return an image as a build makes it, which is not there any more."""
    operation = find_operation("imagebuilder", "CreateImage")
    found = catalog.own("image-pipeline", pipeline)
    if operation is None or found is None:
        raise LookupError(pipeline)
    caller = CloudWorld(world.cloud).credential(catalog.account.id)
    call = Call(operation, caller, REGION, world.cloud, catalog, "", time.time())
    image = begin_pipeline(call, found, "SCHEDULED")
    catalog.remove(image)
    version = catalog.own("image-version", image.id.rpartition("/")[0])
    if version is not None:
        catalog.remove(version)
    ami = {"region": REGION, "image": "ami-0123456789abcdef0", "name": "bench", "accountId": catalog.account.id}
    return in_state(image, "AVAILABLE").having(osVersion="Debian 12", outputResources={"amis": [ami]})


def _rows(image: Resource, number: int, versions: int, builds: int, pipelines: list[str]) -> Iterator[Resource]:
    slug, name = f"recipe-{number:03}", f"recipe {number:03}"
    pipeline = pipelines[-1] if builds == MANY else pipelines[number % (len(pipelines) - 1)]
    head = f"{image.id.split('image/', 1)[0]}image/{slug}"
    for major in range(versions):
        version = f"{major}.0.0"
        shown = {"name": name, "sourcePipelineArn": pipeline}
        row = {name: image.document[name] for name in ("type", "platform", "owner", "osVersion", "dateCreated")}
        yield replace(
            image,
            id=f"{head}/{version}",
            kind="image-version",
            name=f"{slug}/{version}",
            state=NEWEST if major == versions - 1 else "",
            document={**row, "arn": f"{head}/{version}", "name": name, "version": version},
            inner={"builds": builds},
        )
        for build in range(1, builds + 1):
            arn = f"{head}/{version}/{build}"
            document = {**image.document, **shown, "arn": arn, "version": f"{version}/{build}"}
            yield replace(image, id=arn, name=f"{slug}/{version}", document=document)


if __name__ == "__main__":
    main()
