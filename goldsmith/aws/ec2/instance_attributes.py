"""Attributes of instances, told and changed; options of their metadata; monitoring, credits."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, owned, require_form
from goldsmith.aws.ec2.instance_jobs import push_forwards, push_metadata
from goldsmith.aws.ec2.instance_types import instance_type
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

OPTIONS = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags")
BEHAVIOURS = ("stop", "terminate")

ATTRIBUTES: dict[str, Callable[[Resource], dict[str, Any]]] = {
    "instanceType": lambda it: {"InstanceType": {"Value": it.document["InstanceType"]}},
    "kernel": lambda _: {"KernelId": {}},
    "ramdisk": lambda _: {"RamdiskId": {}},
    "userData": lambda it: {"UserData": {"Value": it.inner["user_data"]} if it.inner.get("user_data") else {}},
    "disableApiTermination": lambda it: _flag(it, "DisableApiTermination"),
    "disableApiStop": lambda it: _flag(it, "DisableApiStop"),
    "instanceInitiatedShutdownBehavior": lambda it: _flag(it, "InstanceInitiatedShutdownBehavior"),
    "rootDeviceName": lambda it: {"RootDeviceName": {"Value": it.document.get("RootDeviceName", "")}},
    "blockDeviceMapping": lambda it: {"BlockDeviceMappings": it.document["BlockDeviceMappings"]},
    "productCodes": lambda it: {"ProductCodes": it.document.get("ProductCodes", [])},
    "sourceDestCheck": lambda it: {"SourceDestCheck": {"Value": it.document["SourceDestCheck"]}},
    "groupSet": lambda it: {"Groups": it.document["SecurityGroups"]},
    "ebsOptimized": lambda it: {"EbsOptimized": {"Value": it.document["EbsOptimized"]}},
    "sriovNetSupport": lambda _: {"SriovNetSupport": {"Value": "simple"}},
    "enaSupport": lambda it: {"EnaSupport": {"Value": it.document["EnaSupport"]}},
    "enclaveOptions": lambda _: {"EnclaveOptions": {"Enabled": False}},
}


@ec2.operation()
def describe_instance_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell one attribute of an instance."""
    instance = owned(call, "instance", parameters["InstanceId"])
    return {"InstanceId": instance.id, **_attribute(parameters["Attribute"])(instance)}


@ec2.operation(role="launcher")
def modify_instance_attribute(call: Call, parameters: dict[str, Any]) -> None:
    """Change one attribute of an instance, given by name and value or in its own member."""
    instance = owned(call, "instance", parameters["InstanceId"])
    _require_living(instance)
    asked = _asked(parameters)
    if not asked:
        raise AwsError("InvalidParameterCombination", "No attributes specified.")
    if len(asked) > 1:
        raise AwsError("InvalidParameterCombination", "Fields for multiple attribute types specified")
    ((name, value),) = asked.items()
    if value is None and name != "UserData":
        raise AwsError("MissingParameter", f"The request must contain the parameter {name}.Value")
    changed = _changed(call, instance, name, value)
    call.catalog.save(changed)
    if name == "Groups":
        call.later(partial(push_forwards, call.cloud, call.account, call.region, instance.id))
    if name in {"Groups", "BlockDeviceMappings", "InstanceType", "UserData"}:
        call.later(partial(push_metadata, call.cloud, call.account, call.region, instance.id))


@ec2.operation(role="launcher")
def reset_instance_attribute(call: Call, parameters: dict[str, Any]) -> None:
    """Set sourceDestCheck back; kernels and ramdisks are in the image."""
    instance = owned(call, "instance", parameters["InstanceId"])
    if parameters["Attribute"] != "sourceDestCheck":
        raise AwsError("UnsupportedOperation", "Instances boot their image's own kernel.")
    call.catalog.save(instance.having(SourceDestCheck=True))


@ec2.operation(
    role="launcher", deviation="The hop limit is told, not enforced: QEMU's user network sets the packets' own."
)
def modify_instance_metadata_options(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change how an instance's metadata answers; it does so from its next request on."""
    instance = owned(call, "instance", parameters["InstanceId"])
    _require_living(instance)
    changes = {name: parameters[name] for name in OPTIONS if parameters.get(name) is not None}
    options = {**instance.document["MetadataOptions"], **changes}
    call.catalog.save(instance.having(MetadataOptions=options))
    call.later(partial(push_metadata, call.cloud, call.account, call.region, instance.id))
    return {"InstanceId": instance.id, "InstanceMetadataOptions": options}


@ec2.operation(role="launcher", deviation="The state is kept and told; nothing is measured more often.")
def monitor_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Note that instances are to be monitored in detail."""
    return {"InstanceMonitorings": [_monitor(call, each, "enabled") for each in parameters["InstanceIds"]]}


@ec2.operation(role="launcher")
def unmonitor_instances(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Note that instances are no longer to be monitored in detail."""
    return {"InstanceMonitorings": [_monitor(call, each, "disabled") for each in parameters["InstanceIds"]]}


@ec2.operation(deviation="All are unlimited: processors are the host's, and nothing counts their use.")
def describe_instance_credit_specifications(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Tell the credit option of instances of burstable types."""
    ids = tuple(parameters.get("InstanceIds") or ())
    require_form("instance", *ids)
    found = list(
        call.catalog.find(Query("instance", ids=ids, owners=(call.account.id,), states=("running", "stopped")))
    )
    if gone := [identifier for identifier in ids if identifier not in {each.id for each in found}]:
        raise missing("instance", gone)
    burstable = {each.id: each.document["InstanceType"] for each in found if each.document["InstanceType"][0] == "t"}
    return {
        "InstanceCreditSpecifications": [
            {"InstanceId": identifier, "CpuCredits": "standard" if kind.startswith("t2.") else "unlimited"}
            for identifier, kind in burstable.items()
        ]
    }


def _monitor(call: Call, identifier: str, state: str) -> dict[str, Any]:
    instance = owned(call, "instance", identifier)
    call.catalog.save(instance.having(Monitoring={"State": state}))
    return {"InstanceId": instance.id, "Monitoring": {"State": state}}


def _attribute(name: str) -> Callable[[Resource], dict[str, Any]]:
    if name not in ATTRIBUTES:
        raise AwsError(
            "InvalidParameterValue", f"Value ({name[:100]}) for parameter attribute is invalid. Unknown attribute."
        )
    return ATTRIBUTES[name]


def _flag(instance: Resource, name: str) -> dict[str, Any]:
    return {name: {"Value": instance.inner["attributes"][name]}}


def _asked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that a request changes, whichever way it says so."""
    structured = (
        "SourceDestCheck",
        "DisableApiStop",
        "DisableApiTermination",
        "InstanceType",
        "UserData",
        "InstanceInitiatedShutdownBehavior",
        "EbsOptimized",
        "EnaSupport",
        "SriovNetSupport",
    )
    asked = {name: (parameters[name] or {}).get("Value") for name in structured if parameters.get(name) is not None}
    asked |= {name: parameters[name] for name in ("Groups", "BlockDeviceMappings") if parameters.get(name)}
    if parameters.get("Kernel") or parameters.get("Ramdisk"):
        raise AwsError("UnsupportedOperation", "Instances boot their image's own kernel.")
    if name := parameters.get("Attribute"):
        _attribute(name)
        member = name[0].upper() + name[1:]
        if parameters.get("Value") is not None and member in structured:
            asked[member] = parameters["Value"]
    return asked


def _changed(call: Call, instance: Resource, name: str, value: Any) -> Resource:  # noqa: PLR0911 - one for each attribute
    if name in {"DisableApiStop", "DisableApiTermination"}:
        return _attributes(instance, name, _truth(value))
    if name == "InstanceInitiatedShutdownBehavior":
        if value not in BEHAVIOURS:
            raise AwsError("InvalidParameterValue", f"Invalid value '{value}' for instanceInitiatedShutdownBehavior.")
        return _attributes(instance, name, value)
    if name in {"SourceDestCheck", "EbsOptimized", "EnaSupport"}:
        changed: dict[str, Any] = {name: _truth(value)}
        return instance.having(**changed)
    if name == "Groups":
        groups = [owned(call, "security-group", identifier) for identifier in value]
        shown = [{"GroupId": group.id, "GroupName": group.name} for group in groups]
        return instance.having(SecurityGroups=shown).knowing(groups=[group.id for group in groups])
    if name == "BlockDeviceMappings":
        return _mapped(instance, value)
    if name == "SriovNetSupport":
        return instance
    if instance.state != "stopped":
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    if name == "InstanceType":
        kind = instance_type(call.cloud, value)
        return instance.having(
            InstanceType=kind.name, CpuOptions={"CoreCount": kind.vcpus, "ThreadsPerCore": 1}
        ).knowing(memory=kind.memory, vcpus=kind.vcpus)
    data = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value or "")
    return instance.knowing(user_data=data)


def _attributes(instance: Resource, name: str, value: Any) -> Resource:
    return instance.knowing(attributes={**instance.inner["attributes"], name: value})


def _mapped(instance: Resource, asked: list[dict[str, Any]]) -> Resource:
    """Return the instance with DeleteOnTermination changed for devices that it has."""
    wanted = {str(each.get("DeviceName") or ""): (each.get("Ebs") or {}).get("DeleteOnTermination") for each in asked}
    there = {mapping["DeviceName"] for mapping in instance.document["BlockDeviceMappings"]}
    if unknown := sorted(set(wanted) - there):
        raise AwsError("InvalidInstanceAttributeValue", f"No device is currently mapped at {', '.join(unknown)}")
    mappings = [
        {**mapping, "Ebs": {**mapping["Ebs"], "DeleteOnTermination": bool(wanted[mapping["DeviceName"]])}}
        if wanted.get(mapping["DeviceName"]) is not None
        else mapping
        for mapping in instance.document["BlockDeviceMappings"]
    ]
    return instance.having(BlockDeviceMappings=mappings)


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _require_living(instance: Resource) -> None:
    if instance.state in {"shutting-down", "terminated"}:
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is '{instance.state}'.")
