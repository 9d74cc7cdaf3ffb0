"""What became of imports: an image's record follows the task that brings its disk, over restarts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.task_records import ACTIVE, COMPLETED, DELETING, IMPORT_IMAGE, noted
from goldsmith.pipelines.engine.records import KIND, ImageRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.engine.records import Emit
    from goldsmith.pipelines.world import World

CREATED_BY = "EC2 Image Builder"


def follow_imports(world: World, emit: Emit, ended: Callable[[Resource], None]) -> None:
    """Note which imported images are there now and which will not be; end the tasks of those that were cancelled.

    ``emit`` and ``ended`` are those of `ImageRecord`.
    """
    for task in world.every(IMPORT_IMAGE, (ACTIVE,)):
        _end_unwanted(world, task)
    for image in world.every(KIND, ("PENDING",)):
        if "import" in image.inner and not image.inner.get("cancel"):
            status, reason = _follow(world, image)
            if status:
                ImageRecord(world, image.id, emit, ended).pass_to(status, reason)


def _end_unwanted(world: World, task: Resource) -> None:
    """Cancel a task that was begun for an image that was cancelled; one that was there before is not ours to end."""
    if not (arn := task.inner.get("image_build")):
        return
    with world.catalog(task.account, task.region) as catalog:
        image, there = catalog.own(KIND, arn), catalog.own(IMPORT_IMAGE, task.id)
        if there is not None and there.state == ACTIVE and (image is None or image.state == "CANCELLED"):
            catalog.save(noted(there, state=DELETING, StatusMessage="The creation of its image was cancelled."))


def _follow(world: World, image: Resource) -> tuple[str, str]:
    """Write down what an image's task brought; return the state that it comes to, "" for none yet, and why."""
    name = str(image.inner["import"])
    with world.catalog(image.account, image.region) as catalog:
        task, there = catalog.own(IMPORT_IMAGE, name), catalog.own(KIND, image.id)
        if there is None:
            return "", ""
        if task is None:
            return "FAILED", f"The import task {name} is not there any more."
        if task.state == ACTIVE:
            return "", ""
        if task.state != COMPLETED:
            said = task.document.get("StatusMessage") or "it was cancelled."
            return "FAILED", f"The import task {name} ended without an AMI: {said}"
        ami = catalog.own("image", str(task.document["ImageId"]))
        if ami is None:
            return "FAILED", f"The AMI {task.document['ImageId']} of the import task {name} is not there any more."
        _mark(catalog, there, ami)
        found = there.document.get("osVersion") or task.inner.get("os_version")
        catalog.save(there.having(outputResources={"amis": [_output(there, ami)]}, osVersion=found or None))
        _note_version(catalog, there, found)
    return "AVAILABLE", ""


def _mark(catalog: Catalog, image: Resource, ami: Resource) -> None:
    """Give an AMI that was made for an image the tags and the UEFI data that it is to have."""
    if image.inner.get("own_task"):
        catalog.tag(ami, {**catalog.tags(image), "CreatedBy": CREATED_BY, "Ec2ImageBuilderArn": image.id})
    if uefi := image.inner.get("uefi_data"):
        catalog.save(ami.knowing(uefi_data=uefi))


def _output(image: Resource, ami: Resource) -> dict[str, Any]:
    output = {
        "region": image.region,
        "image": ami.id,
        "name": ami.name,
        "description": image.inner.get("description") or ami.document.get("Description"),
        "accountId": image.account,
    }
    return {name: value for name, value in output.items() if value}


def _note_version(catalog: Catalog, image: Resource, system: str | None) -> None:
    """Tell in the version's row which system its newest build has."""
    head, _, build = image.id.rpartition("/")
    version = catalog.own("image-version", head)
    if version is not None and int(version.inner["builds"]) == int(build):
        catalog.save(version.having(osVersion=system or None))
