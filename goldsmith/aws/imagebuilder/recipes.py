"""Image and container recipes: what they name must be there and fit together (6.1, 6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_document, read_members
from goldsmith.aws.imagebuilder.managed import PLATFORM
from goldsmith.aws.imagebuilder.references import find, parse_arn
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid, over_quota
from goldsmith.documents.parent_image import (
    AmiId,
    Bootstrap,
    CatalogueImage,
    ContainerImage,
    ImageArn,
    LocalFile,
    ParentImageError,
    parse_parent_image,
)
from goldsmith.documents.recipe import DEFAULT_WORKING_DIRECTORY, ImageRecipe
from goldsmith.oci.reference import Reference, ReferenceFault
from goldsmith.pipelines.builders.containers.host import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource
    from goldsmith.documents.arns import Arn

MOST_COMPONENTS = 20
NOT_SHOWN = ("clientToken", "tags", "dryRun", "name", "semanticVersion")
COMMAND_LINE = "command-line"
"""The key of who may write the home's own files: only there may a parent image be one of the host's files."""

_PLACEHOLDERS = ("parentImage", "environments", "components")


def describe_image_recipe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of an image recipe."""
    system = _require_parent(call, parameters["parentImage"])
    read_members(call.operation, ImageRecipe, parameters)
    _require_components(call, parameters.get("components") or [], system)
    document = {name: value for name, value in parameters.items() if name not in NOT_SHOWN}
    return {
        "workingDirectory": DEFAULT_WORKING_DIRECTORY,
        "components": [],
        "blockDeviceMappings": [],
        **document,
        "type": "AMI",
        "platform": PLATFORM,
        "owner": call.account.id,
    }


def describe_container_recipe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a container recipe."""
    if parameters.get("platformOverride", PLATFORM) != PLATFORM:
        raise invalid(
            call.operation,
            "platformOverride",
            f"Container recipes don't currently support the {parameters['platformOverride']} platform: "
            "containers are built on this Linux host.",
        )
    if parameters.get("platformOverride") and parameters["parentImage"].startswith("arn:"):
        raise contradictory(
            call.operation, "You cannot specify a platform override when using an Image Builder Image as your parent."
        )
    if not (parameters.get("dockerfileTemplateData") or parameters.get("dockerfileTemplateUri")):
        raise contradictory(
            call.operation, "You must specify either dockerfileTemplateData or a dockerfileTemplateUri."
        )
    _require_container_parent(call, parameters["parentImage"])
    template = read_document(call, parameters, data="dockerfileTemplateData", uri="dockerfileTemplateUri")
    _require_components(call, parameters.get("components") or [], "")
    _require_placeholders(call, template, components=bool(parameters.get("components")))
    left_out = (*NOT_SHOWN, "dockerfileTemplateUri", "platformOverride", "imageOsVersionOverride")
    document = {name: value for name, value in parameters.items() if name not in left_out}
    return {
        "workingDirectory": DEFAULT_WORKING_DIRECTORY,
        "components": [],
        **document,
        "dockerfileTemplateData": template,
        "platform": PLATFORM,
        "owner": call.account.id,
        "encrypted": True,
    }


def _require_placeholders(call: Call, template: str, *, components: bool) -> None:
    squeezed = "".join(template.split())
    needed = _PLACEHOLDERS if components else _PLACEHOLDERS[:1]
    for name in needed:
        if f"{{{{{{imagebuilder:{name}}}}}}}" not in squeezed:
            raise invalid(
                call.operation,
                "dockerfileTemplateData",
                f"The template needs the placeholder {{{{{{ imagebuilder:{name} }}}}}}.",
            )
    if components and squeezed.index("imagebuilder:environments") > squeezed.index("imagebuilder:components"):
        raise invalid(
            call.operation,
            "dockerfileTemplateData",
            "{{{ imagebuilder:environments }}} must stand before {{{ imagebuilder:components }}}.",
        )


def _require_parent(call: Call, text: str) -> str:
    """Refuse a parent image that is not there for the caller; return its operating system where that is known."""
    try:
        parent = parse_parent_image(text)
    except ParentImageError as wrong:
        meant = f" Did you mean {wrong.meant}?" if wrong.meant else ""
        raise invalid(call.operation, "parentImage", f"{wrong.message} {wrong.mend}{meant}") from wrong
    if isinstance(parent, Bootstrap):
        return f"{parent.distribution.title()} {parent.release}"
    if isinstance(parent, LocalFile | ContainerImage | CatalogueImage) and call.caller.key_id != COMMAND_LINE:
        raise invalid(
            call.operation,
            "parentImage",
            "Files, container images and baked images of the server's own host are for its command line. "
            "Import the disk as an AMI (ImportImage, ImportDiskImage) and name that.",
        )
    if isinstance(parent, AmiId):
        return _system_of_ami(call, parent.id)
    if isinstance(parent, ImageArn):
        return _system_of_image(call, parent.arn)
    return ""


def _system_of_ami(call: Call, identifier: str) -> str:
    if call.catalog.get("image", identifier) is None:
        raise invalid(call.operation, "parentImage", f"The image id '[{identifier}]' does not exist.")
    return ""


def _system_of_image(call: Call, arn: Arn) -> str:
    image = find(call.catalog, arn)
    if image is None:
        raise invalid(call.operation, "parentImage", f"The image '{arn}' does not exist.")
    if image.document.get("type") == "DOCKER":
        raise invalid(call.operation, "parentImage", f"The image '{arn}' is a container image.")
    return str(image.document.get("osVersion", ""))


def _require_container_parent(call: Call, text: str) -> None:
    """Refuse an Image Builder image that is no container's and what no registry can have.

    Whether it has it is found out when the image is built.
    """
    kind, _, path = text.partition(":")
    if kind in FILES and not path.startswith("//"):
        if call.caller.key_id != COMMAND_LINE or not path.startswith("/"):
            raise invalid(
                call.operation,
                "parentImage",
                f"{kind}: files of the server's own host, by their absolute paths, are for its command line. "
                "Push the image to a registry and name that.",
            )
        return
    if kind != "arn":
        try:
            Reference.parse(text)
        except ReferenceFault as wrong:
            raise invalid(call.operation, "parentImage", f"{wrong.message} {wrong.mend}") from wrong
        return
    arn = parse_arn(call.operation, text, "image", path="parentImage")
    image = find(call.catalog, arn)
    if image is None:
        raise invalid(call.operation, "parentImage", f"The image '{arn}' does not exist.")
    if image.document.get("type") != "DOCKER":
        raise invalid(call.operation, "parentImage", f"The image '{arn}' is no container image.")


def _require_components(call: Call, components: list[dict[str, Any]], system: str) -> None:
    most = call.cloud.settings.quotas.get("components-of-a-recipe", MOST_COMPONENTS)
    if len(components) > most:
        raise over_quota("components of a recipe", most)
    seen: set[str] = set()
    for number, each in enumerate(components):
        path = f"components[{number}].componentArn"
        arn = parse_arn(call.operation, each["componentArn"], "component", path=path)
        base = str(arn).split("/", 2)[1]
        if f"{arn.account}/{base}" in seen:
            raise invalid(call.operation, path, "A component may be specified in an image recipe at most once.")
        seen.add(f"{arn.account}/{base}")
        component = find(call.catalog, arn)
        if component is None:
            raise invalid(call.operation, path, f"The component '{arn}' does not exist.")
        _require_fit(call, component, system, path)
        _require_parameters(call, component, each.get("parameters") or [], f"components[{number}].parameters")


def _require_fit(call: Call, component: Resource, system: str, path: str) -> None:
    if component.document["platform"] != PLATFORM:
        raise invalid(call.operation, path, "Component ARN does not match the Parent Image Platform.")
    supported = component.document.get("supportedOsVersions") or ()
    if system and supported and not any(system.startswith(each) for each in supported):
        raise invalid(
            call.operation,
            path,
            f"Component ARN does not support the Parent Image OS Version: it supports {', '.join(supported)}, "
            f"and the parent image is {system}.",
        )


def _require_parameters(call: Call, component: Resource, given: list[Mapping[str, Any]], path: str) -> None:
    declared = {each["name"]: each for each in component.document.get("parameters") or ()}
    for each in given:
        if each["name"] not in declared:
            known = ", ".join(declared) or "none"
            raise invalid(
                call.operation,
                path,
                f"The component '{component.id}' has no parameter '{each['name']}'. It has: {known}.",
            )
    named = {each["name"] for each in given}
    missing = [name for name, each in declared.items() if not each.get("defaultValue") and name not in named]
    if missing:
        raise invalid(call.operation, path, f"The component '{component.id}' needs a value for {', '.join(missing)}.")
