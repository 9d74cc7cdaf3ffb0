"""Ids: their form, and the refusals for those that are malformed or lead nowhere, in the words of each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource


@dataclass(frozen=True)
class Kind:
    """A kind of resource: its id's prefix, and its codes and words. ``name`` is also its type in tags."""

    name: str
    prefix: str
    malformed: str
    not_found: str
    words: str
    """How a missing one is told, with {id}; several are told by ``plural`` with {ids}."""

    plural: str = ""


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "image",
            "ami",
            "InvalidAMIID.Malformed",
            "InvalidAMIID.NotFound",
            "The image id '[{id}]' does not exist",
            "The image ids '[{ids}]' do not exist",
        ),
        Kind(
            "snapshot",
            "snap",
            "InvalidSnapshotID.Malformed",
            "InvalidSnapshot.NotFound",
            "The snapshot '{id}' does not exist.",
            "The snapshots '{ids}' do not exist.",
        ),
        Kind(
            "volume",
            "vol",
            "InvalidVolumeID.Malformed",
            "InvalidVolume.NotFound",
            "The volume '{id}' does not exist.",
            "The volumes '{ids}' do not exist.",
        ),
        Kind(
            "instance",
            "i",
            "InvalidInstanceID.Malformed",
            "InvalidInstanceID.NotFound",
            "The instance ID '{id}' does not exist",
            "The instance IDs '{ids}' do not exist",
        ),
        Kind(
            "security-group",
            "sg",
            "InvalidGroupId.Malformed",
            "InvalidGroup.NotFound",
            "The security group '{id}' does not exist",
        ),
        Kind(
            "security-group-rule",
            "sgr",
            "InvalidSecurityGroupRuleId.Malformed",
            "InvalidSecurityGroupRuleId.NotFound",
            "The security group rule ID '{id}' does not exist",
        ),
        Kind(
            "key-pair",
            "key",
            "InvalidKeyPair.NotFound",
            "InvalidKeyPair.NotFound",
            "The key pair '{id}' does not exist",
        ),
        Kind(
            "subnet",
            "subnet",
            "InvalidSubnetID.Malformed",
            "InvalidSubnetID.NotFound",
            "The subnet ID '{id}' does not exist",
        ),
        Kind("vpc", "vpc", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist"),
        Kind(
            "network-interface",
            "eni",
            "InvalidNetworkInterfaceId.Malformed",
            "InvalidNetworkInterfaceID.NotFound",
            "The networkInterface ID '{id}' does not exist",
        ),
        Kind(
            "internet-gateway",
            "igw",
            "InvalidInternetGatewayId.Malformed",
            "InvalidInternetGatewayID.NotFound",
            "The internetGateway ID '{id}' does not exist",
        ),
        Kind(
            "route-table",
            "rtb",
            "InvalidRouteTableId.Malformed",
            "InvalidRouteTableID.NotFound",
            "The routeTable ID '{id}' does not exist",
        ),
        Kind(
            "network-acl",
            "acl",
            "InvalidNetworkAclId.Malformed",
            "InvalidNetworkAclID.NotFound",
            "The networkAcl ID '{id}' does not exist",
        ),
        Kind(
            "dhcp-options",
            "dopt",
            "InvalidDhcpOptionsId.Malformed",
            "InvalidDhcpOptionID.NotFound",
            "The dhcpOption ID '{id}' does not exist",
        ),
        Kind(
            "iam-instance-profile-association",
            "iip-assoc",
            "InvalidAssociationID.Malformed",
            "InvalidAssociationID.NotFound",
            "An invalid association-id of '{id}' was given",
        ),
        Kind(
            "launch-template",
            "lt",
            "InvalidLaunchTemplateId.Malformed",
            "InvalidLaunchTemplateId.NotFound",
            "The specified launch template, with template ID {id}, does not exist.",
        ),
        Kind(
            "fleet",
            "fleet",
            "InvalidFleetId.Malformed",
            "InvalidFleetId.NotFound",
            "The fleet ID '{id}' does not exist.",
        ),
        Kind(
            "import-image-task",
            "import-ami",
            "InvalidConversionTaskId.Malformed",
            "InvalidConversionTaskId",
            "The import image task '{id}' does not exist.",
        ),
        Kind(
            "import-snapshot-task",
            "import-snap",
            "InvalidConversionTaskId.Malformed",
            "InvalidConversionTaskId",
            "The import snapshot task '{id}' does not exist.",
        ),
        Kind(
            "export-image-task",
            "export-ami",
            "InvalidExportTaskID.Malformed",
            "InvalidExportTaskID.NotFound",
            "The export image task '{id}' does not exist.",
        ),
        Kind(
            "image-usage-report",
            "report",
            "InvalidImageUsageReportId.Malformed",
            "InvalidImageUsageReportId.NotFound",
            "The image usage report '{id}' does not exist.",
        ),
    )
}
"""Every kind that has ids of EC2's form (EC2 API reference, "Error codes")."""


def require_form(kind: str, *ids: str) -> None:
    """Raise AwsError naming the first id that is none of that kind: a prefix and 8 to 17 hexadecimal digits."""
    known = KINDS[kind]
    for identifier in ids:
        if not has_form(known, identifier):
            expected = f'Invalid id: "{identifier[:200]}" (expecting "{known.prefix}-...")'
            raise AwsError(known.malformed, expected)


def has_form(kind: Kind, identifier: str) -> bool:
    """Tell whether an id is one of that kind as far as its form goes."""
    return re.fullmatch(rf"{kind.prefix}-[0-9a-f]{{8,32}}", identifier) is not None


def missing(kind: str, ids: Sequence[str]) -> AwsError:
    """Return the refusal for ids that lead nowhere, or nowhere that the caller may see: the two look alike."""
    known = KINDS[kind]
    if len(ids) > 1 and known.plural:
        return AwsError(known.not_found, known.plural.format(ids=", ".join(ids)))
    return AwsError(known.not_found, known.words.format(id=ids[0]))


def require_all(kind: str, ids: Iterable[str], found: Iterable[Resource]) -> None:
    """Raise AwsError when ids asked for are not among what was found."""
    there = {resource.id for resource in found}
    if gone := [identifier for identifier in dict.fromkeys(ids) if identifier not in there]:
        raise missing(kind, gone)


def seen(call: Call, kind: str, identifier: str) -> Resource:
    """Return a resource that the caller may see. Raises AwsError for a malformed id, and for any other."""
    return _require(call.catalog.get, kind, identifier)


def owned(call: Call, kind: str, identifier: str) -> Resource:
    """Return a resource of the caller's own. Raises AwsError for a malformed id, and for any other."""
    return _require(call.catalog.own, kind, identifier)


def kind_of(identifier: str) -> Kind | None:
    """Return the kind that an id's prefix tells."""
    prefix = identifier.rpartition("-")[0]
    return next((kind for kind in KINDS.values() if kind.prefix == prefix), None)


def _require(find: Callable[[str, str], Resource | None], kind: str, identifier: str) -> Resource:
    require_form(kind, identifier)
    resource = find(kind, identifier)
    if resource is None:
        raise missing(kind, [identifier])
    return resource
