"""What the house itself offers under Amazon's name: components, workflows, and distributions as parent images."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource
from goldsmith.components import library as components
from goldsmith.documents.parent_image import DISTRIBUTIONS
from goldsmith.documents.parser import parse_component
from goldsmith.documents.versions import Version
from goldsmith.workflows import library as workflows

if TYPE_CHECKING:
    from goldsmith.documents.arns import Arn
    from goldsmith.documents.component import ComponentDocument

OWNER = "Amazon"
ACCOUNT = "aws"
CREATED = "2026-11-01T00:00:00.000Z"
PLATFORM = "Linux"


def find_managed(arn: Arn, region: str) -> Resource | None:
    """Return the managed resource that an ARN names, the highest version of an open one."""
    return max(managed_matching(arn, region), key=_version, default=None)


def managed_matching(arn: Arn, region: str) -> list[Resource]:
    """Return the managed build versions that an ARN, open or not, fits."""
    if arn.version is None or arn.region != region:
        return []
    stem = f"{arn.workflow_type}/{arn.slug}" if arn.workflow_type else arn.slug
    named = (each for each in managed(arn.kind, region) if each.name.rpartition("/")[0] == stem)
    return [each for each in named if arn.version.matches(_version(each))]


def _version(resource: Resource) -> Version:
    return Version.parse("/".join(resource.id.rsplit("/", 2)[1:]))


@cache
def managed(noun: str, region: str) -> tuple[Resource, ...]:
    """Return all managed build versions of a kind, in the order of their names and versions."""
    makers = {"component": _components, "image": _images, "workflow": _workflows}
    return tuple(makers[noun](region)) if noun in makers else ()


def parent_of(image: Resource) -> str:
    """Return the ``parentImage`` that a managed image stands for, as debian/12."""
    return str(image.inner["bootstrap"])


def details(document: ComponentDocument) -> list[dict[str, Any]]:
    """Return ComponentParameterDetail of a component's parameters."""
    return [
        {
            "name": each.name,
            "type": "String",
            "defaultValue": [] if each.default is None else [each.default],
            **({"description": each.description} if each.description else {}),
        }
        for each in document.parameters
    ]


def _resource(noun: str, region: str, tail: str, version: str, **members: Any) -> Resource:
    arn = f"arn:aws:imagebuilder:{region}:{ACCOUNT}:{noun}/{tail}/{version}/1"
    document = {
        "arn": arn,
        "name": tail.rpartition("/")[2],
        "version": version,
        "owner": OWNER,
        "dateCreated": CREATED,
        **members,
    }
    return Resource(arn, noun, ACCOUNT, region, f"{tail}/{version}", "AVAILABLE", document=document)


def _components(region: str) -> list[Resource]:
    made = []
    for name in components.names():
        for version in components.versions(name):
            found = components.resolve(f"{name}/{version}")
            document = parse_component(found.text, name)
            made.append(
                _resource(
                    "component",
                    region,
                    name,
                    version,
                    description=found.description,
                    platform=found.platform,
                    supportedOsVersions=["Debian"],
                    type=document.type,
                    state={"status": "ACTIVE"},
                    status="ACTIVE",
                    parameters=details(document),
                    data=found.text,
                    encrypted=True,
                    publisher="Goldsmith",
                    obfuscate=False,
                )
            )
    return made


def _images(region: str) -> list[Resource]:
    made = []
    for distribution, releases in DISTRIBUTIONS.items():
        for release in releases:
            image = _resource(
                "image",
                region,
                f"{distribution}-{release}-x86",
                f"{release}.0.0",
                type="AMI",
                platform=PLATFORM,
                osVersion=f"{distribution.title()} {release}",
                state={"status": "AVAILABLE"},
                imageSource="AMAZON_MANAGED",
                outputResources={"amis": []},
            )
            made.append(image.knowing(bootstrap=f"{distribution}/{release}"))
    return made


def _workflows(region: str) -> list[Resource]:
    return [
        _resource(
            "workflow",
            region,
            f"{each.type.lower()}/{each.name}",
            each.version,
            type=each.type,
            description=each.description,
            data=each.text,
            parameters=list(each.parameters),
        )
        for each in workflows.all_workflows()
    ]
