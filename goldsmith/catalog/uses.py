"""Which resources are made of which: an image of its snapshots, an instance of its image, a volume of its snapshot."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import jmespath
from sqlalchemy import select

from goldsmith.catalog.tables import USES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from goldsmith.catalog.resources import Resource

RECYCLED = "recycled-"
"""What stands before the kind of a resource that is in the recycle bin."""

_PARTS = {
    "image": jmespath.compile("BlockDeviceMappings[].Ebs.SnapshotId"),
    "volume": jmespath.compile("[SnapshotId]"),
    "instance": jmespath.compile("[ImageId]"),
    "launch-template-version": jmespath.compile("[LaunchTemplateData.ImageId]"),
    "parameter": jmespath.compile("[DataType == 'aws:ec2:image' && Value]"),
    "image-recipe": jmespath.compile("[[parentImage], components[].componentArn][]"),
    "container-recipe": jmespath.compile("[[parentImage], components[].componentArn][]"),
    "image-build": jmespath.compile("[sourcePipelineArn]"),
    "image-pipeline": jmespath.compile(
        "[[imageRecipeArn, containerRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn],"
        " workflows[].workflowArn][]"
    ),
}
"""Where in its document a resource of a kind names what it is made of; of ARNs with a version, any version counts."""


_VERSION = re.compile(r"/[0-9x]+\.[0-9x]+\.[0-9x]+(/[0-9]+)?$")


def used_by(resource: Resource) -> set[str]:
    """Return the ids of what a resource is made of, as its document names them."""
    parts = _PARTS.get(resource.kind.removeprefix(RECYCLED))
    found: Any = parts.search(resource.document) if parts else None
    return {unversioned(str(target)) for target in found or () if target}


def count_users(connection: Connection, kind: str, region: str, target: str) -> Counter[str]:
    """Count the resources of a kind that are made of ``target`` by the accounts that own them.

    It looks beyond what a caller may see: for a target's owner, to whom AWS tells such numbers and no more.
    """
    mine = (USES.c.target == target, USES.c.kind == kind, USES.c.region == region)
    return Counter(connection.execute(select(USES.c.account).where(*mine)).scalars())


def unversioned(arn: str) -> str:
    """Return an Image Builder resource's ARN without its version and build."""
    return _VERSION.sub("", arn)
