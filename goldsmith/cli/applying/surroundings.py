"""What templates have beside Image Builder's resources: instance profiles, launch templates, parameters, and roles.

``parameters`` are CloudFormation's properties as text; what Ref and GetAtt give is CloudFormation's ("Return values").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.change import Change, Step
from goldsmith.cli.applying.differences import differences
from goldsmith.cli.applying.roles import plan_role
from goldsmith.cli.here import RefusedError
from goldsmith.documents.templates.scope import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.cli.here import Here

    Item = dict[str, Any]

NOT_KNOWN = "known once it is made"


def plan_instance_profile(here: Here, parameters: Item) -> Change:
    """Return what makes an instance profile and gives it its role."""
    name, path = parameters["InstanceProfileName"], parameters.get("Path") or "/"
    roles = parameters.get("Roles") or []
    current = _get(lambda: here.call("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"])
    arn = current["Arn"] if current else f"arn:aws:iam::{here.account.id}:instance-profile{path}{name}"
    steps = []
    if current is None:
        steps.append(Step("iam", "CreateInstanceProfile", {"InstanceProfileName": name, "Path": path}))
    has = [role["RoleName"] for role in (current or {}).get("Roles", [])]
    for role in has if roles and has != roles else []:
        asked = {"InstanceProfileName": name, "RoleName": role}
        steps.append(Step("iam", "RemoveRoleFromInstanceProfile", asked))
    named = {"InstanceProfileName": name}
    steps += [Step("iam", "AddRoleToInstanceProfile", {**named, "RoleName": role}) for role in roles if has != roles]
    details = (f"role: {', '.join(has) or 'none'} → {', '.join(roles)}",) if current and steps else ()
    return Change(_verb(current, steps), "instance-profile", name, Identity(name, {"Arn": arn}), tuple(steps), details)


def plan_launch_template(here: Here, parameters: Item) -> Change:
    """Return what makes a launch template, or a version of it where its data is another."""
    name, data = parameters["LaunchTemplateName"], parameters["LaunchTemplateData"]
    named = {"LaunchTemplateName": name}
    current = _get(lambda: here.ec2("DescribeLaunchTemplates", LaunchTemplateNames=[name])["LaunchTemplates"][0])
    if current is None:
        step = Step("ec2", "CreateLaunchTemplate", {**named, "LaunchTemplateData": data})
        attributes = {"LatestVersionNumber": "1", "DefaultVersionNumber": "1", "LaunchTemplateId": NOT_KNOWN}
        return Change("create", "launch-template", name, Identity(NOT_KNOWN, attributes), (step,))
    latest = here.ec2("DescribeLaunchTemplateVersions", **named, Versions=["$Latest"])["LaunchTemplateVersions"][0]
    found = differences(data, latest["LaunchTemplateData"], {*data, *latest["LaunchTemplateData"]})
    number = int(current["LatestVersionNumber"]) + bool(found)
    attributes = {
        "LatestVersionNumber": str(number),
        "DefaultVersionNumber": str(current["DefaultVersionNumber"]),
        "LaunchTemplateId": current["LaunchTemplateId"],
    }
    identity = Identity(current["LaunchTemplateId"], attributes)
    if not found:
        return Change("unchanged", "launch-template", name, identity)
    step = Step("ec2", "CreateLaunchTemplateVersion", {**named, "LaunchTemplateData": data})
    return Change("new version", "launch-template", f"{name}:{number}", identity, (step,), found)


def plan_parameter(here: Here, parameters: Item) -> Change:
    """Return what writes a parameter of the Parameter Store."""
    name, value, kind = parameters["Name"], parameters["Value"], parameters.get("Type") or "String"
    current = _get(lambda: here.call("ssm", "GetParameter", Name=name)["Parameter"])
    identity = Identity(name, {"Type": kind, "Value": value})
    asked = {"Name": name, "Value": value, "Type": kind, "Overwrite": current is not None}
    asked |= {
        key: parameters[key] for key in ("Description", "DataType", "AllowedPattern", "Tier") if key in parameters
    }
    if current is None:
        return Change("create", "parameter", name, identity, (Step("ssm", "PutParameter", asked),))
    found = differences(
        {"value": value, "type": kind}, {"value": current["Value"], "type": current["Type"]}, ["value", "type"]
    )
    steps = (Step("ssm", "PutParameter", asked),) if found else ()
    return Change("update" if found else "unchanged", "parameter", name, identity, steps, found)


PLANNERS: dict[str, Callable[[Here, Item], Change]] = {
    "instance-profile": plan_instance_profile,
    "launch-template": plan_launch_template,
    "parameter": plan_parameter,
    "role": plan_role,
}
NOT_THERE = {"NoSuchEntity", "ParameterNotFound", "InvalidLaunchTemplateName.NotFoundException"}


def _get(look: Callable[[], Item]) -> Item | None:
    try:
        return look()
    except RefusedError as refused:
        if refused.code in NOT_THERE:
            return None
        raise


def _verb(current: Item | None, steps: list[Step]) -> Any:
    if current is None:
        return "create"
    return "update" if steps else "unchanged"
