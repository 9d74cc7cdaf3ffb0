"""What a launch is made with: a launch template's data, and the request's own parameters over it.

The rules are those of RunInstances (EC2 API reference, "RunInstances"; EC2 user guide, "Launch an instance from a
launch template"): a parameter of the request takes the place of the template's; tags are joined by resource type and
key, block devices by device name, network interfaces by device index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.launch_template_records import find_template, find_version
from goldsmith.aws.errors import AwsError
from goldsmith.aws.ssm.image_references import resolve_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call

    Parameters = dict[str, Any]

ALIAS = "resolve:ssm:"
"""How an image id begins that names a parameter of SSM instead."""

RENAMED = {"RamDiskId": "RamdiskId", "ElasticGpuSpecifications": "ElasticGpuSpecification"}
"""Members of launch template data that RunInstances calls otherwise."""

TEMPLATE_ID_TAG = "aws:ec2launchtemplate:id"
TEMPLATE_VERSION_TAG = "aws:ec2launchtemplate:version"

INSTANCE_LEVEL = {
    "SubnetId": "subnet ID",
    "SecurityGroupIds": "security groups",
    "SecurityGroups": "security groups",
    "PrivateIpAddress": "private IP address",
    "Ipv6Addresses": "IPv6 addresses",
    "Ipv6AddressCount": "IPv6 address count",
}
"""What a launch with network interfaces says of each of them instead, by the words of the refusal."""


def effective(call: Call, parameters: Mapping[str, Any]) -> tuple[Parameters, dict[str, str]]:
    """Return the parameters of RunInstances with its launch template's data under them, and the tags it brings.

    The image id is resolved where it names an SSM parameter. The tags are the system's, by the template's id and the
    number of its version. Raises AwsError for a template, version or parameter that is not there, for parameters that
    exclude each other, and when no image is named.
    """
    request = {name: value for name, value in parameters.items() if name != "LaunchTemplate" and value is not None}
    reference = parameters.get("LaunchTemplate")
    system_tags: dict[str, str] = {}
    if reference:
        template = find_template(call, reference)
        version = find_version(call, template, str(reference.get("Version") or ""))
        system_tags = {TEMPLATE_ID_TAG: template.id, TEMPLATE_VERSION_TAG: str(version.inner["number"])}
        request = merge(as_launch(version.document["LaunchTemplateData"]), request)
    _require_coherent(request)
    request["ImageId"] = resolve_image_id(call, request["ImageId"])
    return request, system_tags


def as_launch(data: Mapping[str, Any]) -> Parameters:
    """Return launch template data under the names of RunInstances' parameters; user data that is empty is none."""
    named = {RENAMED.get(name, name): value for name, value in data.items()}
    if not named.get("UserData"):
        named.pop("UserData", None)
    return named


def merge(template: Mapping[str, Any], request: Mapping[str, Any]) -> Parameters:
    """Return a template's parameters with a request's over them."""
    merged: Parameters = {**template, **request}
    joined = {"TagSpecifications": _join_tags, "BlockDeviceMappings": _join_devices, "NetworkInterfaces": _join_cards}
    for name, join in joined.items():
        if name in template and name in request:
            merged[name] = join(template[name], request[name])
    if "InstanceType" in request:
        merged.pop("InstanceRequirements", None)
    if "SecurityGroups" in request or "SecurityGroupIds" in request:
        for name in {"SecurityGroups", "SecurityGroupIds"} - set(request):
            merged.pop(name, None)
    return merged


def resolve_image_id(call: Call, text: str) -> str:
    """Return an image id as it is, or what the SSM parameter holds that it names."""
    if not text.startswith(ALIAS):
        return text

    return resolve_image(call, text)


def _require_coherent(request: Mapping[str, Any]) -> None:
    if request.get("NetworkInterfaces"):
        for name, words in INSTANCE_LEVEL.items():
            if request.get(name):
                raise AwsError(
                    "InvalidParameterCombination",
                    f"Network interfaces and an instance-level {words} may not be specified on the same request",
                )
    if request.get("InstanceRequirements"):
        raise AwsError(
            "InvalidParameterCombination",
            "The launch template names instance requirements, which RunInstances does not take; specify InstanceType.",
        )
    if not request.get("ImageId"):
        raise AwsError("MissingParameter", "The request must contain the parameter ImageId")


def _join_tags(template: Sequence[Mapping[str, Any]], request: Sequence[Mapping[str, Any]]) -> list[Parameters]:
    """Join by resource type: the request's tags of a type, and the template's of other keys."""
    there = {each.get("ResourceType"): each.get("Tags") or [] for each in template}
    joined = [dict(each) for each in template if each.get("ResourceType") not in _keys(request, "ResourceType")]
    for each in request:
        own = each.get("Tags") or []
        others = [tag for tag in there.get(each.get("ResourceType"), ()) if tag.get("Key") not in _keys(own, "Key")]
        joined.append({**each, "Tags": [*others, *own]})
    return joined


def _join_devices(template: Sequence[Mapping[str, Any]], request: Sequence[Mapping[str, Any]]) -> list[Parameters]:
    """Join by device name: the request's volume settings over the template's; with NoDevice nothing of it stays."""
    there = {mapping.get("DeviceName"): mapping for mapping in template}
    joined = [dict(mapping) for mapping in template if mapping.get("DeviceName") not in _keys(request, "DeviceName")]
    for mapping in request:
        under = there.get(mapping.get("DeviceName"), {})
        whole = dict(mapping)
        if "Ebs" in mapping and "Ebs" in under:
            whole["Ebs"] = {**under["Ebs"], **mapping["Ebs"]}
        joined.append(whole)
    return joined


def _join_cards(template: Sequence[Mapping[str, Any]], request: Sequence[Mapping[str, Any]]) -> list[Parameters]:
    """Join by device index: the request's settings of an interface over the template's."""
    there = {card.get("DeviceIndex"): card for card in template}
    joined = [dict(card) for card in template if card.get("DeviceIndex") not in _keys(request, "DeviceIndex")]
    return [*joined, *({**there.get(card.get("DeviceIndex"), {}), **card} for card in request)]


def _keys(items: Sequence[Mapping[str, Any]], key: str) -> set[Any]:
    return {item.get(key) for item in items}
