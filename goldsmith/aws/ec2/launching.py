"""RunInstances: what is asked becomes instances with volumes, which a job then starts for real."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.capacity import require_capacity
from goldsmith.aws.ec2.block_devices import LaunchVolume, for_launch
from goldsmith.aws.ec2.ids import owned, require_form
from goldsmith.aws.ec2.instance_jobs import start_instance
from goldsmith.aws.ec2.instance_records import Network, common_document, new_instance
from goldsmith.aws.ec2.instance_types import instance_type
from goldsmith.aws.ec2.instances import show_instance
from goldsmith.aws.ec2.launch_parameters import effective
from goldsmith.aws.ec2.marketplace import image_facts, record_launch, require_instance_type, require_launchable
from goldsmith.aws.ec2.subnets import choose_subnet
from goldsmith.aws.ec2.volumes import volume_document
from goldsmith.aws.errors import AwsError
from goldsmith.aws.iam.profiles import find_profile
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.instance_types import InstanceType

DEFAULT_TYPE = "m1.small"
MOST_INSTANCES = 256
TAGGABLE = ("instance", "volume", "network-interface", "spot-instances-request")


@ec2.operation(
    role="launcher",
    deviation="One network interface, in a subnet of the default VPC; no spot, placement groups, elastic GPUs, "
    "hibernation, capacity reservations, licences or dedicated hosts: what asks for them is refused or has no effect.",
)
def run_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Launch instances of an AMI: as many as there is room for, at least MinCount."""
    asked, system_tags = effective(call, parameters)
    tags = parse_specifications(asked.get("TagSpecifications"), TAGGABLE)
    if not asked.get("ImageId"):
        raise AwsError("MissingParameter", "The request must contain the parameter ImageId")
    image = require_launchable(call, asked["ImageId"])
    kind = instance_type(call.cloud, asked.get("InstanceType") or DEFAULT_TYPE)
    _require_architecture(image, kind)
    require_instance_type(image, kind.name)
    network = _network(call, asked)
    volumes = for_launch(call, image, asked.get("BlockDeviceMappings") or [])
    count = _count(call, asked, kind)
    reservation = new_id("r")
    shared = {
        **common_document(call, asked, image, kind, network),
        **_key(call, asked),
        **_profile(call, asked),
    }
    facts = image_facts(call, [image])[image.id]
    launched = []
    for index in range(count):
        instance = new_instance(call, asked, image, network, shared, reservation, index).knowing(
            memory=kind.memory, vcpus=kind.vcpus, image=facts
        )
        instance = call.catalog.add(instance, {**tags.get("instance", {}), **system_tags})
        mappings = [_volume(call, instance, volume, tags.get("volume", {})) for volume in volumes]
        call.catalog.save(instance.having(BlockDeviceMappings=mappings))
        call.later(partial(start_instance, call.cloud, call.account, call.region, instance.id))
        launched.append(instance)
    record_launch(call, image)
    items = [
        {**_shown(instance), "Tags": show_tags({**tags.get("instance", {}), **system_tags})} for instance in launched
    ]
    return {"ReservationId": reservation, "OwnerId": call.account.id, "Groups": [], "Instances": items}


def _shown(instance: Resource) -> dict[str, Any]:
    return {name: value for name, value in show_instance(instance).items() if name != "ReservationId"}


def _require_architecture(image: Resource, kind: InstanceType) -> None:
    architecture = image.document["Architecture"]
    if architecture not in kind.architectures:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{kind.architectures[0]}' of the specified instance type does not match the "
            f"architecture '{architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to "
            "discover the architecture of the instance type or AMI.",
        )


def _count(call: Call, asked: Mapping[str, Any], kind: InstanceType) -> int:
    least, most = int(asked.get("MinCount") or 1), int(asked.get("MaxCount") or 1)
    if least < 1 or most < least:
        raise AwsError("InvalidParameterValue", f"Value ({least}) for parameter MinCount is invalid.")
    if most > MOST_INSTANCES:
        raise AwsError("InstanceLimitExceeded", f"You have requested more instances ({most}) than {MOST_INSTANCES}.")
    return require_capacity(call, kind.memory, least, most)


def _network(call: Call, asked: Mapping[str, Any]) -> Network:
    interfaces = asked.get("NetworkInterfaces") or []
    subnet_id, group_ids = asked.get("SubnetId"), tuple(asked.get("SecurityGroupIds") or ())
    address = asked.get("PrivateIpAddress") or ""
    if interfaces:
        for member, words in (
            ("SubnetId", "subnet ID"),
            ("SecurityGroupIds", "security groups"),
            ("SecurityGroups", "security groups"),
        ):
            if asked.get(member):
                raise AwsError(
                    "InvalidParameterCombination",
                    f"Network interfaces and an instance-level {words} may not be specified on the same request",
                )
        if len(interfaces) > 1 or interfaces[0].get("NetworkInterfaceId"):
            raise AwsError("UnsupportedOperation", "An instance has one network interface here, made with it.")
        card = interfaces[0]
        subnet_id, group_ids = card.get("SubnetId"), tuple(card.get("Groups") or ())
        address = card.get("PrivateIpAddress") or address
    zone = (asked.get("Placement") or {}).get("AvailabilityZone")
    subnet = choose_subnet(call, subnet_id, zone)
    groups = _groups(call, group_ids, tuple(asked.get("SecurityGroups") or ()))
    return Network(subnet, groups, address)


def _groups(call: Call, ids: tuple[str, ...], names: tuple[str, ...]) -> tuple[Resource, ...]:
    """Return the security groups by id and name; the default group where none is asked for."""
    require_form("security-group", *ids)
    found = [owned(call, "security-group", identifier) for identifier in ids]
    for name in names or (() if ids else ("default",)):
        group = call.catalog.named("security-group", name)
        if group is None:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
        found.append(group)
    return tuple({group.id: group for group in found}.values())


def _key(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    name = asked.get("KeyName")
    if not name:
        return {}
    if call.catalog.named("key-pair", name) is None:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return {"KeyName": name}


def _profile(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    profile = asked.get("IamInstanceProfile") or {}
    if not (profile.get("Arn") or profile.get("Name")):
        return {}
    return {"IamInstanceProfile": find_profile(call, arn=profile.get("Arn"), name=profile.get("Name"))}


def _volume(call: Call, instance: Resource, volume: LaunchVolume, tags: Mapping[str, str]) -> dict[str, Any]:
    """Add one volume of an instance to the catalogue and return the instance's mapping of it."""
    attached = {
        "AttachTime": iso(call.now),
        "DeleteOnTermination": volume.settings["DeleteOnTermination"],
    }
    document = volume_document(
        volume.settings,
        zone=instance.document["Placement"]["AvailabilityZone"],
        created=call.now,
        attachment={**attached, "Device": volume.device, "InstanceId": instance.id, "State": "attached"},
    )
    made = Resource(
        new_id("vol"), "volume", call.account.id, call.region, "", "in-use", call.now, document, {"map": volume.map}
    )
    call.catalog.add(made, tags)
    return {"DeviceName": volume.device, "Ebs": {**attached, "Status": "attached", "VolumeId": made.id}}
