"""What a build pinned, in the shapes that trees and layers are made of."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import lend
from goldsmith.disks.plan import DEFAULT_SIZE, GIB
from goldsmith.documents.parser import parse_component
from goldsmith.documents.recipe import DEFAULT_WORKING_DIRECTORY
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.parents import pin_parent
from goldsmith.pipelines.plan import BootstrapParent, DiskParent, PlannedComponent
from goldsmith.pipelines.recipe_components import MAX_NESTING
from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.trees.archives import ArchiveState
from goldsmith.trees.bootstrap import FORMAT as BOOTSTRAP_FORMAT
from goldsmith.trees.distributions import debian

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.executor.services import Services
    from goldsmith.pipelines.image_run import ImageRun, PinnedComponent
    from goldsmith.pipelines.plan import Parent
    from goldsmith.pipelines.world import World


def find_parent(
    pinned: PinnedParent, image: ImageRun, world: World, archives: Sequence[Mapping[str, Any]] = ()
) -> Parent:
    """Return what a tree of the image begins with.

    ``archives`` are what the package archives of a bootstrapped parent were when it was laid first, as
    `archives_of` gave them; they are asked for now where there are none.
    """
    if pinned.kind == "ami":
        return DiskParent(pinned.map, world.blocks(image.region), pinned.reference)
    if pinned.kind == "container":
        raise ActionFailedError(
            f"The image {image.name} is built on the container image {pinned.reference}, which no instance can be.",
            mend="Give an image recipe: a distribution as debian/12, an AMI, or a disk or root archive.",
        )
    if pinned.kind == "bootstrap" and archives:
        distribution = debian(pinned.reference.partition("/")[2])
        states = tuple(ArchiveState(**state) for state in archives)
        return BootstrapParent(distribution, states, BOOTSTRAP_FORMAT)
    return pin_parent(pinned.reference, Path("/"), world.home)


def ami_parent(world: World, image: ImageRun, ami: str) -> PinnedParent:
    """Return an AMI of the image's account as a parent. Raises ActionFailedError where it has no disk here."""
    with world.catalog(image.account, image.region, writes=False) as catalog:
        found = catalog.get("image", ami)
        mappings = found.document["BlockDeviceMappings"] if found else ()
        root = found.document.get("RootDeviceName") if found else ""
        snapshot = next((each["Ebs"].get("SnapshotId") for each in mappings if each["DeviceName"] == root), "")
        disk = lend(catalog.connection, "snapshot", snapshot, image.region) if snapshot else None
    if disk is None or "map" not in disk.inner:
        raise ActionFailedError(
            f"There is no AMI {ami} with a disk in {image.region} to build on.",
            mend="DescribeImages shows those there are.",
        )
    return PinnedParent("ami", ami, ami, str(disk.inner["map"]))


def archives_of(parent: Parent) -> tuple[Mapping[str, Any], ...]:
    """Return what the package archives of a parent are, as JSON values."""
    return tuple(asdict(state) for state in parent.states) if isinstance(parent, BootstrapParent) else ()


def read_component(pinned: PinnedComponent, services: Services) -> PlannedComponent:
    """Return a component with its document parsed. Its ARN stands for its file: relative paths in it lead nowhere."""
    document = parse_component(pinned.text, pinned.arn)
    nested = tuple(_nested(document, services, MAX_NESTING))
    return PlannedComponent(pinned.name, document, dict(pinned.parameters), nested)


def _nested(document: ComponentDocument, services: Services, depth: int) -> list[str]:
    """Return the digests of the components that ExecuteDocument steps name, and of those they name."""
    digests = []
    for phase in document.phases:
        for step in phase.steps:
            named = step.inputs.get("document") if isinstance(step.inputs, dict) else None
            if step.action != "ExecuteDocument" or not isinstance(named, str) or not depth:
                continue
            found = services.find_component(named) if named.startswith("arn:") else None
            if found:
                digests.append(hashlib.sha256(found.source.encode()).hexdigest())
                digests += _nested(found, services, depth - 1)
    return digests


def disk_bytes(image: ImageRun, parent: Parent) -> int:
    """Return the size of the image's disk: the recipe's, else that of the AMI it is built on, else the default."""
    for mapping in image.recipe.get("blockDeviceMappings") or ():
        if size := (mapping.get("ebs") or {}).get("volumeSize"):
            return int(size) * GIB
    return parent.store.load_map(parent.map).size if isinstance(parent, DiskParent) else DEFAULT_SIZE


def working_directory(image: ImageRun) -> str:
    """Return the recipe's working directory."""
    return str(image.recipe.get("workingDirectory") or DEFAULT_WORKING_DIRECTORY)


def environment_of(image: ImageRun, workflow_execution: str, step: str, phase: str) -> dict[str, str]:
    """Return what Image Builder tells a component's commands about the build (4.3); ``phase`` is BUILDING, TESTING."""
    return {
        "IMAGE_WORKFLOW_EXECUTION_ID": workflow_execution,
        "IMAGE_STEP_EXECUTION_ID": step,
        "IMAGE_BUILD_VERSION_ARN": image.arn,
        "IMAGE_PIPELINE_ARN": image.pipeline_arn,
        "IMAGE_PHASE": phase,
        "IMAGE_VERSION": image.version,
        "IMAGE_BUILD_VERSION": str(image.build),
    }
