"""What an AMI has besides its disk: tags, who may launch it, when it is deprecated, and who is told of it.

Each function changes only what differs, and returns what it changed in words; nothing when all was so already. With
``dry`` it changes nothing and returns what it would.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.image import IMDS, snapshots_of, tag_list, tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.distribution import (
        LaunchPermission,
        LaunchTemplateConfiguration,
        SsmParameterConfiguration,
    )
    from goldsmith.publish.aws.clients import Clients

IMAGE_TYPE = "aws:ec2:image"


def set_tags(clients: Clients, region: str, image: Mapping[str, Any], tags: Mapping[str, str], *, dry: bool) -> str:
    """Give the AMI and its snapshots the tags that they lack."""
    there = tags_of(image)
    missing = {key: value for key, value in tags.items() if there.get(key) != value}
    if not missing:
        return ""
    if not dry:
        resources = [image["ImageId"], *snapshots_of(image)]
        clients.ec2(region).create_tags(Resources=resources, Tags=tag_list(missing))  # type: ignore[arg-type]
    return f"tags {', '.join(sorted(missing))}"


def require_imds(clients: Clients, region: str, image: Mapping[str, Any], *, dry: bool) -> str:
    """Let instances of the AMI ask for their metadata by IMDSv2 alone; EC2 takes that never back."""
    if image.get("ImdsSupport") == IMDS:
        return ""
    if not dry:
        clients.ec2(region).modify_image_attribute(ImageId=image["ImageId"], ImdsSupport={"Value": IMDS})
    return "IMDSv2 required"


def permit(clients: Clients, region: str, image: str, permission: LaunchPermission, *, dry: bool) -> str:
    """Let those launch the AMI whom the permission names, and nobody else."""
    ec2 = clients.ec2(region)
    asked: Any = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    there = {pair for row in asked for pair in row.items()}
    wanted = set(permission.grantees)
    change: Any = {
        "Add": [{kind: who} for kind, who in sorted(wanted - there)],
        "Remove": [{kind: who} for kind, who in sorted(there - wanted)],
    }
    change = {which: rows for which, rows in change.items() if rows}
    if not change:
        return ""
    if not dry:
        ec2.modify_image_attribute(ImageId=image, LaunchPermission=change)
    words = [f"+{who}" for _, who in sorted(wanted - there)] + [f"-{who}" for _, who in sorted(there - wanted)]
    return f"launch permission {' '.join(words)}"


def deprecate(clients: Clients, region: str, image: Mapping[str, Any], at: datetime, *, dry: bool) -> str:
    """Deprecate the AMI from a time on. Raises AwsPublishError for one that is past."""
    wanted = at.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=UTC)
    there = str(image.get("DeprecationTime", ""))
    if there and datetime.fromisoformat(there).replace(second=0, microsecond=0) == wanted:
        return ""
    require_future(wanted)
    if not dry:
        clients.ec2(region).enable_image_deprecation(ImageId=image["ImageId"], DeprecateAt=wanted)
    return f"deprecated from {wanted:%Y-%m-%d %H:%M} UTC on"


def require_future(at: datetime) -> None:
    """Raise AwsPublishError for a time to deprecate at that EC2 would refuse as past."""
    if at <= datetime.now(UTC):
        raise AwsPublishError(
            f"The AMI would be deprecated from {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC on, which is past.",
            mend="Say more days (--deprecate-in): they count from when the image was made.",
        )


def add_template_version(
    clients: Clients, region: str, image: str, template: LaunchTemplateConfiguration, *, dry: bool
) -> str:
    """Give the launch template a version with the AMI, made the default where that is wanted."""
    ec2 = clients.ec2(region)
    named = template.launch_template_id
    found: Any = ec2.describe_launch_template_versions(LaunchTemplateId=named)["LaunchTemplateVersions"]
    with_image = [each for each in found if each["LaunchTemplateData"].get("ImageId") == image]
    default = next((each for each in found if each["DefaultVersion"]), None)
    if with_image and (default in with_image or not template.set_default_version):
        return ""
    if dry:
        return f"a version of {named}" + (", the default" if template.set_default_version else "")
    if with_image:
        number = max(each["VersionNumber"] for each in with_image)
    else:
        made = ec2.create_launch_template_version(
            LaunchTemplateId=named, SourceVersion="$Default", LaunchTemplateData={"ImageId": image}
        )
        number = made["LaunchTemplateVersion"]["VersionNumber"]
    if template.set_default_version:
        ec2.modify_launch_template(LaunchTemplateId=named, DefaultVersion=str(number))
    return f"version {number} of {named}" + (", the default" if template.set_default_version else "")


def put_parameter(clients: Clients, region: str, image: str, parameter: SsmParameterConfiguration, *, dry: bool) -> str:
    """Put the AMI's id into a parameter, which EC2 checks as one of type ``aws:ec2:image``."""
    ssm = clients.ssm(region)
    kind = parameter.data_type or "text"
    try:
        there = ssm.get_parameter(Name=parameter.parameter_name)["Parameter"]
        if (there["Value"], there.get("DataType", "text")) == (image, kind):
            return ""
    except ssm.exceptions.ParameterNotFound:
        pass
    if not dry:
        ssm.put_parameter(Name=parameter.parameter_name, Value=image, Type="String", DataType=kind, Overwrite=True)
    return f"parameter {parameter.parameter_name}"
