"""Ways to launch that fleets and Auto Scaling groups choose from: launch templates and what overrides them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.instance_requirements import meets
from goldsmith.aws.ec2.instance_types import instance_types
from goldsmith.aws.ec2.launch_template_records import find_template, find_version
from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from goldsmith.aws.call import Call

    Item = dict[str, Any]

OVERRIDING = ("InstanceType", "ImageId", "KeyName", "BlockDeviceMappings", "IamInstanceProfile", "MetadataOptions")
"""Members of an override that RunInstances takes under the same names."""


@dataclass(frozen=True)
class Offer:
    """One way to launch: a template's version, by number, and what overrides it.

    ``instance_type`` is what was chosen by requirements; ``on_interface`` says that the template's subnet is that of a
    network interface.
    """

    template: Mapping[str, Any]
    override: Mapping[str, Any]
    instance_type: str = ""
    user_data: str = ""
    on_interface: bool = False

    @property
    def weight(self) -> float:
        """How much of the target capacity one instance is."""
        return float(self.override.get("WeightedCapacity") or 1)

    def shown(self) -> Item:
        """Return it as answers name it."""
        return {"LaunchTemplateSpecification": dict(self.template), "Overrides": dict(self.override)}

    def parameters(self, count: int) -> Item:
        """Return RunInstances' parameters for up to ``count`` of it."""
        override = self.override
        asked = {name: override[name] for name in OVERRIDING if name in override}
        if self.instance_type:
            asked["InstanceType"] = self.instance_type
        placement = dict(override.get("Placement") or {})
        if override.get("AvailabilityZone"):
            placement["AvailabilityZone"] = override["AvailabilityZone"]
        if placement:
            asked["Placement"] = placement
        if override.get("SubnetId"):
            subnet = str(override["SubnetId"]).partition(",")[0].strip()
            asked |= (
                {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet}]}
                if self.on_interface
                else {"SubnetId": subnet}
            )
        if self.user_data:
            asked["UserData"] = self.user_data
        return {**asked, "LaunchTemplate": dict(self.template), "MinCount": 1, "MaxCount": count}


def offers_of(call: Call, reference: Mapping[str, Any], overrides: Sequence[Mapping[str, Any]]) -> list[Offer]:
    """Return the ways to launch from a template, one for each override, in their order.

    An override may name a template of its own. Raises AwsError for templates and versions that are not there, and for
    requirements that no instance type meets.
    """
    return [_offer(call, override.get("LaunchTemplateSpecification") or reference, override) for override in overrides]


@contextmanager
def undone_when_refused(call: Call) -> Iterator[None]:
    """Undo what the block did to the catalogue, and forget its jobs, when it raises AwsError; which goes on."""
    jobs = len(call.jobs)
    try:
        with call.catalog.connection.begin_nested():
            yield
    except AwsError:
        del call.jobs[jobs:]
        raise


def _offer(call: Call, reference: Mapping[str, Any], override: Mapping[str, Any]) -> Offer:
    template = find_template(call, reference)
    version = find_version(call, template, str(reference.get("Version") or ""))
    data = version.document["LaunchTemplateData"]
    weight = override.get("WeightedCapacity")
    if weight is not None and float(weight) <= 0:
        raise AwsError("InvalidParameterValue", f"The weighted capacity {weight} is not more than 0.")
    requirements = override.get("InstanceRequirements")
    if not override.get("InstanceType"):
        requirements = requirements or data.get("InstanceRequirements")
    return Offer(
        {"LaunchTemplateId": template.id, "Version": str(version.inner["number"])},
        override,
        _smallest(call, requirements) if requirements else "",
        str(reference.get("LaunchTemplateSpecificationUserData") or ""),
        bool(data.get("NetworkInterfaces")),
    )


def _smallest(call: Call, requirements: Mapping[str, Any]) -> str:
    """Return the smallest instance type that meets requirements, by memory and processors."""
    fitting = [kind for kind in instance_types(call.cloud).values() if meets(kind, requirements)]
    if not fitting:
        raise AwsError("InvalidParameterValue", "No instance type meets the instance requirements.")
    return min(fitting, key=lambda kind: (kind.memory, kind.vcpus, kind.name)).name
