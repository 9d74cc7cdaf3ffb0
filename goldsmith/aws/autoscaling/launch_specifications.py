"""What a group's instances are launched from: a launch template, or a mixed instances policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.launch_offers import offers_of
from goldsmith.aws.ec2.launch_parameters import ALIAS
from goldsmith.aws.ec2.launch_template_records import find_template, find_version
from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.launch_offers import Offer

    Item = dict[str, Any]

DISTRIBUTION = {
    "OnDemandAllocationStrategy": "prioritized",
    "OnDemandBaseCapacity": 0,
    "OnDemandPercentageAboveBaseCapacity": 100,
    "SpotAllocationStrategy": "lowest-price",
}


def require_specification(call: Call, parameters: Mapping[str, Any]) -> Item:
    """Return the LaunchTemplate or MixedInstancesPolicy of a request, its templates named by id and name.

    Raises AwsError when it has both, one that leads nowhere, or what is not launched from here.
    """
    for name in ("LaunchConfigurationName", "InstanceId"):
        if parameters.get(name):
            raise AwsError("ValidationError", f"{name} is not supported here; use a launch template.")
    template, policy = parameters.get("LaunchTemplate"), parameters.get("MixedInstancesPolicy")
    if template and policy:
        raise AwsError(
            "ValidationError",
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter.",
        )
    if template:
        found = {"LaunchTemplate": _named(call, template)}
    elif policy:
        found = {"MixedInstancesPolicy": _policy(call, policy)}
    else:
        return {}
    offers(call, found)
    return found


def offers(call: Call, specification: Mapping[str, Any]) -> list[Offer]:
    """Return the ways to launch that a specification gives, the most wanted first. Raises AwsError ValidationError."""
    reference, overrides = _parts(specification)
    try:
        return offers_of(call, reference, overrides)
    except AwsError as refusal:
        raise _unusable(refusal) from refusal


def is_fixed(call: Call, specification: Mapping[str, Any]) -> bool:
    """Tell whether a specification always means the same images: numbered versions, and no SSM parameters."""
    reference, overrides = _parts(specification)
    references = [reference, *(each["LaunchTemplateSpecification"] for each in overrides if _has_template(each))]
    return all(str(each.get("Version") or "").isdigit() and not _is_alias(call, each) for each in references)


def matches(offers: Sequence[Offer], record: Mapping[str, Any]) -> bool:
    """Tell whether an instance of a group was launched from one of some offers."""
    template = record.get("template") or {}
    return any(
        offer.template == {name: template.get(name) for name in ("LaunchTemplateId", "Version")}
        and offer.override.get("InstanceType") in {None, record["type"]}
        for offer in offers
    )


def _parts(specification: Mapping[str, Any]) -> tuple[Item, list[Item]]:
    """Return a kept specification's template and overrides, with templates by id alone."""
    if specification.get("LaunchTemplate"):
        return _by_id(specification["LaunchTemplate"]), [{}]
    policy = specification["MixedInstancesPolicy"]["LaunchTemplate"]
    overrides = [
        {**each, "LaunchTemplateSpecification": _by_id(each["LaunchTemplateSpecification"])}
        if _has_template(each)
        else each
        for each in policy.get("Overrides") or [{}]
    ]
    return _by_id(policy["LaunchTemplateSpecification"]), overrides


def _by_id(reference: Mapping[str, Any]) -> Item:
    return {name: value for name, value in reference.items() if name != "LaunchTemplateName"}


def _has_template(override: Mapping[str, Any]) -> bool:
    return bool(override.get("LaunchTemplateSpecification"))


def _is_alias(call: Call, reference: Mapping[str, Any]) -> bool:
    version = find_version(call, find_template(call, reference), str(reference.get("Version") or ""))
    return str(version.document["LaunchTemplateData"].get("ImageId") or "").startswith(ALIAS)


def _policy(call: Call, policy: Mapping[str, Any]) -> Item:
    template = policy.get("LaunchTemplate") or {}
    if not template.get("LaunchTemplateSpecification"):
        raise AwsError("ValidationError", "A mixed instances policy needs a launch template specification.")
    named: Item = {**template, "LaunchTemplateSpecification": _named(call, template["LaunchTemplateSpecification"])}
    named["Overrides"] = [_override(call, each) for each in template.get("Overrides") or ()]
    return {"LaunchTemplate": named, "InstancesDistribution": _distribution(policy.get("InstancesDistribution") or {})}


def _distribution(asked: Mapping[str, Any]) -> Item:
    """Return a distribution with AWS's defaults for what is not asked."""
    whole = {**DISTRIBUTION, **asked}
    if whole["SpotAllocationStrategy"] == "lowest-price":
        whole.setdefault("SpotInstancePools", 2)
    return whole


def _override(call: Call, override: Mapping[str, Any]) -> Item:
    if override.get("WeightedCapacity") not in {None, "1"}:
        raise AwsError("ValidationError", "Weighted capacities are not supported here: an instance counts as one.")
    if not _has_template(override):
        return dict(override)
    return {**override, "LaunchTemplateSpecification": _named(call, override["LaunchTemplateSpecification"])}


def _named(call: Call, reference: Mapping[str, Any]) -> Item:
    if bool(reference.get("LaunchTemplateId")) == bool(reference.get("LaunchTemplateName")):
        raise AwsError("ValidationError", "Valid requests must contain either launchTemplateId or LaunchTemplateName")
    try:
        template = find_template(call, reference)
    except AwsError as refusal:
        raise _unusable(refusal) from refusal
    return {**reference, "LaunchTemplateId": template.id, "LaunchTemplateName": template.name}


def _unusable(refusal: AwsError) -> AwsError:
    return AwsError("ValidationError", f"You must use a valid fully-formed launch template. {refusal.message}")
