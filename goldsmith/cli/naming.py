"""Names where ids are taken: what a person calls an image or an instance, and which one that is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.cli.output import UsageError
from goldsmith.documents.faults import near_name

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

ALIVE = ("pending", "running", "stopping", "stopped")


def find_image(here: Here, said: str) -> dict[str, Any]:
    """Return the newest available image of an id, name, Name tag, or NAME[/VERSION[/BUILD]] of a build."""
    if re.fullmatch(r"ami-[0-9a-f]{8,17}", said):
        return _only(here.ec2("DescribeImages", ImageIds=[said])["Images"], said, "image")
    images = here.ec2("DescribeImages", IncludeDeprecated=True, IncludeDisabled=True)["Images"]
    found = [image for image in images if said in _names(image) or _reference(image, said)]
    if not found:
        raise _nothing("image", said, {name for image in images for name in _names(image)}, "goldsmith images")
    return max(found, key=lambda image: (image["State"] == "available", image["CreationDate"]))


def find_instance(here: Here, said: str) -> dict[str, Any]:
    """Return the instance of an id or Name tag."""
    if re.fullmatch(r"i-[0-9a-f]{8,17}", said):
        reservations = here.ec2("DescribeInstances", InstanceIds=[said])["Reservations"]
    else:
        reservations = here.ec2("DescribeInstances", Filters=[{"Name": "instance-state-name", "Values": list(ALIVE)}])[
            "Reservations"
        ]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    found = [each for each in instances if said in {each["InstanceId"], name_tag(each)}]
    if len(found) > 1:
        ids = ", ".join(each["InstanceId"] for each in found)
        raise UsageError(f"{len(found)} instances are named {said}.", mend=f"Say which: {ids}.")
    if not found:
        raise _nothing("instance", said, {name_tag(each) for each in instances}, "goldsmith instances")
    instance: dict[str, Any] = found[0]
    return instance


def find_template(said: str) -> dict[str, str]:
    """Return how a launch template's id or name is given, with NAME:VERSION for a version."""
    name, _, version = said.partition(":")
    member = "LaunchTemplateId" if re.fullmatch(r"lt-[0-9a-f]{8,17}", name) else "LaunchTemplateName"
    return {member: name, **({"Version": version} if version else {})}


def name_tag(item: dict[str, Any]) -> str:
    """Return an item's Name tag, empty for none."""
    return next((tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "Name"), "")


def tags_of(said: list[str], kind: str) -> list[dict[str, Any]]:
    """Return a request's TagSpecifications from KEY=VALUE texts."""
    tags = []
    for each in said:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise UsageError(f"{each!r} is no tag.", mend="Write KEY=VALUE.")
        tags.append({"Key": key, "Value": value})
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def _names(image: dict[str, Any]) -> set[str]:
    return {image["Name"], name_tag(image)} - {""}


def _reference(image: dict[str, Any], said: str) -> bool:
    """Tell whether an image was built as ``said``, a part of name/version/build from its beginning."""
    reference = next((tag["Value"] for tag in image.get("Tags", []) if tag["Key"] == "goldsmith:image"), "")
    return reference == said or reference.startswith(f"{said}/")


def _only(found: list[dict[str, Any]], said: str, kind: str) -> dict[str, Any]:
    if not found:
        raise UsageError(f"There is no {kind} {said}.", mend=f"`goldsmith {kind}s` lists them.")
    return found[0]


def _nothing(kind: str, said: str, known: set[str], command: str) -> UsageError:
    near = near_name(said, sorted(known - {""}))
    return UsageError(
        f"There is no {kind} {said} here.", mend=f"Did you mean {near}?" if near else f"`{command}` lists them."
    )
