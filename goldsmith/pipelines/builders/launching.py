"""What a machine is launched with: the infrastructure configuration and the recipe as RunInstances takes them (6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.access import tags_of
from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun

DEFAULT_TYPES = ("t3.small", "t3.micro")
NO_CAPACITY = ("InsufficientInstanceCapacity", "InstanceLimitExceeded", "Unsupported")


def run_instance(step: StepRun, ami: str, *, key: str, group: str) -> str:
    """Launch one instance of the first type that there is capacity for; return its id.

    ``key`` and ``group`` are how the build reaches it. Raises ActionFailedError when no type has capacity.
    """
    types = step.inputs.get("instanceTypesOverride") or step.image.infrastructure.get("instanceTypes") or DEFAULT_TYPES
    asked = _request(step, ami, key, group)
    refusals = []
    for kind in types:
        try:
            launched = step.call("ec2", "RunInstances", InstanceType=kind, **asked)
        except RefusedError as refused:
            if refused.code not in NO_CAPACITY:
                raise
            step.say(f"There is no capacity for {kind}: {refused.message}")
            refusals.append(f"{kind}: {refused.message}")
            continue
        return str(launched["Instances"][0]["InstanceId"])
    raise ActionFailedError(
        f"No instance type has capacity here. {'; '.join(refusals)}",
        mend="Give smaller instanceTypes, or end other instances.",
    )


def _request(step: StepRun, ami: str, key: str, group: str) -> dict[str, Any]:
    infrastructure = step.image.infrastructure
    what = "Test" if step.stage == "TEST" else "Build"
    tags = {"Name": f"{what} instance for {step.image.name}"[:255], **tags_of(step)}
    shown = [{"Key": name, "Value": value} for name, value in tags.items()]
    asked: dict[str, Any] = {
        "ClientToken": step.id,
        "ImageId": ami,
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": key,
        "SecurityGroupIds": [*(infrastructure.get("securityGroupIds") or _default_group(step)), group],
        "TagSpecifications": [{"ResourceType": kind, "Tags": shown} for kind in ("instance", "volume")],
    }
    if subnet := infrastructure.get("subnetId"):
        asked["SubnetId"] = subnet
    if profile := _profile(step, infrastructure):
        asked["IamInstanceProfile"] = {"Name": profile}
    if options := infrastructure.get("instanceMetadataOptions"):
        asked["MetadataOptions"] = _capitalised(options)
    if zone := (infrastructure.get("placement") or {}).get("availabilityZone"):
        asked["Placement"] = {"AvailabilityZone": zone}
    if step.stage == "BUILD":
        asked |= _of_recipe(step.image.recipe)
    return asked


def _of_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what only the instance has on which the image is built."""
    asked: dict[str, Any] = {}
    if mappings := recipe.get("blockDeviceMappings"):
        asked["BlockDeviceMappings"] = [
            {**_capitalised(mapping), **({"Ebs": _capitalised(mapping["ebs"])} if mapping.get("ebs") else {})}
            for mapping in mappings
        ]
    if data := user_data_override(recipe):
        asked["UserData"] = data
    return asked


def user_data_override(recipe: Mapping[str, Any]) -> str:
    """Return the recipe's own user data in base64, "" for none."""
    return str((recipe.get("additionalInstanceConfiguration") or {}).get("userDataOverride") or "")


def _default_group(step: StepRun) -> list[str]:
    found = step.call("ec2", "DescribeSecurityGroups", Filters=[{"Name": "group-name", "Values": ["default"]}])
    return [str(group["GroupId"]) for group in found["SecurityGroups"][:1]]


def _profile(step: StepRun, infrastructure: Mapping[str, Any]) -> str:
    """Return the instance profile where the account has it: what AWS's agent needs it for is not needed here."""
    name = infrastructure.get("instanceProfileName")
    if not name:
        return ""
    try:
        step.call("iam", "GetInstanceProfile", InstanceProfileName=name)
    except RefusedError as refused:
        if refused.code != "NoSuchEntity":
            raise
        step.say(f"There is no instance profile {name} here; the instance is launched without one.")
        return ""
    return str(name)


def _capitalised(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of Image Builder's shapes as EC2 spells it."""
    return {f"{name[0].upper()}{name[1:]}": each for name, each in value.items() if name != "ebs"}
