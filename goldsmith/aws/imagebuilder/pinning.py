"""From an image's record to a run: every wildcard resolved, every document at hand, the parent named for good."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.managed import PLATFORM, parent_of
from goldsmith.aws.imagebuilder.references import find
from goldsmith.catalog.images import ImageStore
from goldsmith.catalog.resources import lend
from goldsmith.documents.arns import Arn
from goldsmith.documents.parent_image import (
    AmiId,
    Bootstrap,
    CatalogueImage,
    ContainerImage,
    ImageArn,
    LocalFile,
    SsmParameter,
    parse_parent_image,
)
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.image_run import ImageRun, PinnedComponent, PinnedParent
from goldsmith.pipelines.parents import pin_baked, pin_container
from goldsmith.pipelines.plan import FileParent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.imagebuilder.world import CloudWorld
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

USABLE = ("AVAILABLE", "DEPRECATED")
"""States of an image that is named by its build; an open version takes AVAILABLE ones only (3.1)."""

_AMI = re.compile(r"ami-[0-9a-f]{8,17}")


class UnpinnedError(GoldsmithError):
    """Something that an image is to be made of is not there now."""


def pin(world: CloudWorld, image: Resource) -> ImageRun:
    """Return the run of an image; one that is only distributed is made of its AMI alone. Raises UnpinnedError."""
    document = image.document
    recipe = document.get("imageRecipe") or document.get("containerRecipe") or {}
    distributed = (image.inner.get("given") or {}).get("ImageId")
    with world.catalog(image.account, image.region, writes=False) as catalog:
        tags = catalog.tags(image)
        configured = () if distributed else recipe.get("components") or ()
        components = tuple(_component(catalog, each) for each in configured)
        if distributed:
            parent = PinnedParent("ami", distributed, distributed)
        else:
            parent = pin_parent(world, catalog, recipe["parentImage"], container="containerRecipe" in document)
    version, _, build = str(document["version"]).partition("/")
    scanning = document.get("imageScanningConfiguration") or {}
    return ImageRun(
        arn=image.id,
        account=image.account,
        region=image.region,
        name=document["name"],
        slug=image.name.partition("/")[0],
        version=version,
        build=int(build),
        date_time=document["dateCreated"],
        kind=document["type"],
        platform=PLATFORM,
        recipe=recipe,
        infrastructure=document.get("infrastructureConfiguration") or {},
        distribution=document.get("distributionConfiguration"),
        parent=parent,
        components=components,
        tags=tags,
        pipeline_arn=document.get("sourcePipelineArn", ""),
        tests_enabled=bool(document["imageTestsConfiguration"]["imageTestsEnabled"]),
        collect_metadata=bool(document.get("enhancedImageMetadataEnabled", True)),
        collect_findings=bool(scanning.get("imageScanningEnabled")),
        execution_role=document.get("executionRole", ""),
        cleanup=image.inner.get("cleanup", {}),
    )


def pin_parent(  # noqa: PLR0911 - one for each form of a parent image
    world: CloudWorld, catalog: Catalog, written: str, *, container: bool = False
) -> PinnedParent:
    """Return what a ``parentImage`` means now to the catalogue's caller. Raises UnpinnedError."""
    if container:
        return _container(catalog, written)
    parent = parse_parent_image(written)
    if isinstance(parent, Bootstrap):
        return PinnedParent("bootstrap", f"{parent.distribution}/{parent.release}", written)
    if isinstance(parent, AmiId):
        return _ami(catalog, parent.id, written)
    if isinstance(parent, ImageArn):
        return _image(catalog, parent.arn, written)
    if isinstance(parent, SsmParameter):
        return _parameter(world, catalog, parent.name, written)
    if isinstance(parent, LocalFile):
        return PinnedParent("file", str(Path(parent.path).expanduser()), written)
    if isinstance(parent, ContainerImage):
        return PinnedParent("file", pin_container(parent, Path("/"), world.home).image, written)
    if isinstance(parent, CatalogueImage):
        store = ImageStore(world.home.images)
        baked = store.find(f"{parent.name}/{parent.version}")
        pinned = pin_baked(baked, store.path(baked), world.home)
        return PinnedParent("file", str(pinned.file) if isinstance(pinned, FileParent) else pinned.image, written)
    raise UnpinnedError(f"The parent image {written} is nothing that can be built on.")


def _component(catalog: Catalog, configured: Mapping[str, Any]) -> PinnedComponent:
    found = find(catalog, Arn.parse(configured["componentArn"]))
    if found is None:
        raise UnpinnedError(f"The component {configured['componentArn']} does not exist any more.")
    values = {each["name"]: ",".join(each["value"]) for each in configured.get("parameters") or ()}
    return PinnedComponent(found.id, found.document["name"], found.document["data"], values)


def _image(catalog: Catalog, arn: Arn, written: str) -> PinnedParent:
    image = find(catalog, arn, states=USABLE[:1])
    if image is None:
        raise UnpinnedError(f"No build of the parent image {written} is AVAILABLE.")
    if image.account == "aws":
        return PinnedParent("bootstrap", parent_of(image), written, image_arn=image.id)
    if image.state not in USABLE:
        raise UnpinnedError(f"The parent image {image.id} is {image.state}.")
    amis = image.document["outputResources"].get("amis") or ()
    here = next((each["image"] for each in amis if each["region"] == catalog.region), "")
    if not here:
        raise UnpinnedError(f"The parent image {image.id} has no AMI in {catalog.region}.")
    return _ami(catalog, here, written, image.id)


def _container(catalog: Catalog, written: str) -> PinnedParent:
    """Return a container image as a parent: one made here is named by its digest where it is in a registry."""
    if not written.startswith("arn:"):
        return PinnedParent("container", written, written)
    image = find(catalog, Arn.parse(written), states=USABLE[:1])
    if image is None or image.state not in USABLE:
        raise UnpinnedError(f"No build of the parent image {written} is AVAILABLE.")
    made = (image.document.get("outputResources") or {}).get("containers") or ()
    uris: list[str] = next((each["imageUris"] for each in made if each["region"] == catalog.region), [])
    if not uris:
        raise UnpinnedError(f"The parent image {image.id} has no container in {catalog.region}.")
    uri = next((each for each in uris if "@sha256:" in each), uris[0])
    return PinnedParent("container", uri, written, image_arn=image.id)


def _ami(catalog: Catalog, identifier: str, written: str, image_arn: str = "") -> PinnedParent:
    """Return an AMI as a parent: its root disk is that of the snapshot, which whoever sees the AMI may read."""
    image = catalog.get("image", identifier)
    if image is None or image.state != "available":
        raise UnpinnedError(
            f"The image id '[{identifier}]' does not exist." if image is None else f"{identifier} is {image.state}."
        )
    root = image.document["RootDeviceName"]
    mappings = image.document.get("BlockDeviceMappings") or ()
    snapshot_id = next((each["Ebs"]["SnapshotId"] for each in mappings if each.get("DeviceName") == root), "")
    snapshot = lend(catalog.connection, "snapshot", snapshot_id, catalog.region)
    if snapshot is None or "map" not in snapshot.inner:
        raise UnpinnedError(f"{identifier} has no root disk.")
    return PinnedParent("ami", identifier, written, snapshot.inner["map"], image_arn)


def _parameter(world: CloudWorld, catalog: Catalog, name: str, written: str) -> PinnedParent:
    plain = name.partition(":parameter")[2] if name.startswith("arn:") else name
    found = world.call(catalog.account.id, catalog.region, "ssm", "GetParameter", Name=plain)
    value = found["Parameter"]["Value"]
    if _AMI.fullmatch(value):
        return _ami(catalog, value, written)
    return _image(catalog, Arn.parse(value), written)
