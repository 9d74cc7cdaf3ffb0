"""Instance types as DescribeInstanceTypes tells them, where they are offered, and which meet requirements."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.instance_requirements import meets
from goldsmith.aws.ec2.instance_types import InstanceType, instance_types
from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goldsmith.aws.call import Call

NOT_HERE = (
    "What no machine here has is told as unsupported: hibernation, enclaves, TPMs, instance stores, dedicated hosts."
)

_EBS = "EbsInfo.EbsOptimizedInfo"
_STORE = "InstanceStorageInfo"
FILTERS = {
    "auto-recovery-supported": "AutoRecoverySupported",
    "bare-metal": "BareMetal",
    "burstable-performance-supported": "BurstablePerformanceSupported",
    "current-generation": "CurrentGeneration",
    "dedicated-hosts-supported": "DedicatedHostsSupported",
    "ebs-info.attachment-limit-type": "EbsInfo.AttachmentLimitType",
    "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps": f"{_EBS}.BaselineBandwidthInMbps",
    "ebs-info.ebs-optimized-info.baseline-iops": f"{_EBS}.BaselineIops",
    "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps": f"{_EBS}.BaselineThroughputInMBps",
    "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps": f"{_EBS}.MaximumBandwidthInMbps",
    "ebs-info.ebs-optimized-info.maximum-iops": f"{_EBS}.MaximumIops",
    "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps": f"{_EBS}.MaximumThroughputInMBps",
    "ebs-info.ebs-optimized-support": "EbsInfo.EbsOptimizedSupport",
    "ebs-info.encryption-support": "EbsInfo.EncryptionSupport",
    "ebs-info.maximum-ebs-attachments": "EbsInfo.MaximumEbsAttachments",
    "ebs-info.nvme-support": "EbsInfo.NvmeSupport",
    "free-tier-eligible": "FreeTierEligible",
    "hibernation-supported": "HibernationSupported",
    "hypervisor": "Hypervisor",
    "instance-storage-info.disk.count": f"{_STORE}.Disks[].Count",
    "instance-storage-info.disk.size-in-gb": f"{_STORE}.Disks[].SizeInGB",
    "instance-storage-info.disk.type": f"{_STORE}.Disks[].Type",
    "instance-storage-info.encryption-support": f"{_STORE}.EncryptionSupport",
    "instance-storage-info.nvme-support": f"{_STORE}.NvmeSupport",
    "instance-storage-info.total-size-in-gb": f"{_STORE}.TotalSizeInGB",
    "instance-storage-supported": "InstanceStorageSupported",
    "instance-type": "InstanceType",
    "memory-info.size-in-mib": "MemoryInfo.SizeInMiB",
    "network-info.bandwidth-weightings": "NetworkInfo.BandwidthWeightings",
    "network-info.efa-info.maximum-efa-interfaces": "NetworkInfo.EfaInfo.MaximumEfaInterfaces",
    "network-info.efa-supported": "NetworkInfo.EfaSupported",
    "network-info.ena-support": "NetworkInfo.EnaSupport",
    "network-info.encryption-in-transit-supported": "NetworkInfo.EncryptionInTransitSupported",
    "network-info.flexible-ena-queues-support": "NetworkInfo.FlexibleEnaQueuesSupport",
    "network-info.ipv4-addresses-per-interface": "NetworkInfo.Ipv4AddressesPerInterface",
    "network-info.ipv6-addresses-per-interface": "NetworkInfo.Ipv6AddressesPerInterface",
    "network-info.ipv6-supported": "NetworkInfo.Ipv6Supported",
    "network-info.maximum-network-cards": "NetworkInfo.MaximumNetworkCards",
    "network-info.maximum-network-interfaces": "NetworkInfo.MaximumNetworkInterfaces",
    "network-info.network-performance": "NetworkInfo.NetworkPerformance",
    "nitro-enclaves-support": "NitroEnclavesSupport",
    "nitro-tpm-info.supported-versions": "NitroTpmInfo.SupportedVersions",
    "nitro-tpm-support": "NitroTpmSupport",
    "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures",
    "processor-info.supported-features": "ProcessorInfo.SupportedFeatures",
    "processor-info.sustained-clock-speed-in-ghz": "ProcessorInfo.SustainedClockSpeedInGhz",
    "reboot-migration-support": "RebootMigrationSupport",
    "supported-boot-mode": "SupportedBootModes",
    "supported-root-device-type": "SupportedRootDeviceTypes",
    "supported-usage-class": "SupportedUsageClasses",
    "supported-virtualization-type": "SupportedVirtualizationTypes",
    "vcpu-info.default-cores": "VCpuInfo.DefaultCores",
    "vcpu-info.default-threads-per-core": "VCpuInfo.DefaultThreadsPerCore",
    "vcpu-info.default-vcpus": "VCpuInfo.DefaultVCpus",
    "vcpu-info.valid-cores": "VCpuInfo.ValidCores",
    "vcpu-info.valid-threads-per-core": "VCpuInfo.ValidThreadsPerCore",
}
OFFERING_FILTERS = {"instance-type": "InstanceType", "location": "Location"}


def show_type(kind: InstanceType) -> dict[str, Any]:
    """Return a type as DescribeInstanceTypes tells it."""
    nitro = kind.hypervisor == "nitro"
    return {
        "InstanceType": kind.name,
        "CurrentGeneration": kind.current,
        "FreeTierEligible": kind.free_tier,
        "SupportedUsageClasses": ["on-demand"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": False,
        "Hypervisor": kind.hypervisor,
        "ProcessorInfo": _processor(kind),
        "VCpuInfo": _vcpus(kind),
        "MemoryInfo": {"SizeInMiB": kind.memory},
        "InstanceStorageSupported": False,
        "EbsInfo": _ebs(kind, nitro=nitro),
        "NetworkInfo": _network(kind, nitro=nitro),
        "PlacementGroupInfo": {"SupportedStrategies": []},
        "HibernationSupported": False,
        "BurstablePerformanceSupported": kind.burstable,
        "DedicatedHostsSupported": False,
        "AutoRecoverySupported": False,
        "SupportedBootModes": ["legacy-bios", "uefi"] if nitro else ["legacy-bios"],
        "NitroEnclavesSupport": "unsupported",
        "NitroTpmSupport": "unsupported",
        "NitroTpmInfo": {"SupportedVersions": []},
        "PhcSupport": "unsupported",
        "RebootMigrationSupport": "unsupported",
        "SupportedInRegion": True,
    }


@ec2.operation(deviation=NOT_HERE)
def describe_instance_types(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the types of the built-in table and of cloud.yml."""
    types = instance_types(call.cloud)
    asked = parameters.get("InstanceTypes") or ()
    if unknown := [name for name in asked if name not in types]:
        names = ", ".join(name[:64] for name in unknown)
        raise AwsError("InvalidInstanceType", f"The following supplied instance types do not exist: [{names}]")
    filters = Filters(parameters.get("Filters"), FILTERS)
    items = [show_type(kind) for name, kind in types.items() if not asked or name in asked]
    page, more = _paged(call, parameters, [item for item in items if filters.match(item)], "InstanceType")
    return {"InstanceTypes": page, **more}


@ec2.operation()
def describe_instance_type_offerings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List where each type is offered: everywhere."""
    zones = call.cloud.zones(call.region)
    places = {
        "region": [call.region],
        "availability-zone": zones,
        "availability-zone-id": [zone_id(call.region, zone) for zone in zones],
    }
    kind_of_place = parameters.get("LocationType") or "region"
    if kind_of_place not in places:
        raise AwsError("InvalidParameterValue", "There are no Outposts here.")
    filters = Filters(parameters.get("Filters"), OFFERING_FILTERS)
    items = [
        {"InstanceType": name, "LocationType": kind_of_place, "Location": place, "Key": f"{name} {place}"}
        for name in instance_types(call.cloud)
        for place in places[kind_of_place]
    ]
    page, more = _paged(call, parameters, [item for item in items if filters.match(item)], "Key")
    return {"InstanceTypeOfferings": page, **more}


@ec2.operation(deviation="Prices, accelerators, local disks and network bandwidth are not looked at.")
def get_instance_types_from_instance_requirements(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the types that meet requirements as fleets and Auto Scaling groups state them."""
    wanted = set(parameters["ArchitectureTypes"])
    fits = "hvm" in parameters["VirtualizationTypes"]
    items = [
        {"InstanceType": name}
        for name, kind in instance_types(call.cloud).items()
        if fits and wanted & set(kind.architectures) and meets(kind, parameters["InstanceRequirements"])
    ]
    page, more = _paged(call, parameters, items, "InstanceType")
    return {"InstanceTypes": page, **more}


def _paged(
    call: Call, parameters: dict[str, Any], items: Sequence[dict[str, Any]], key: str
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a page of items that are in the order of their ``key``'s first appearance."""

    def following(after: Any) -> Iterator[dict[str, Any]]:
        if after is None:
            return iter(items)
        rest = dropwhile(lambda item: item[key] != after, items)
        next(rest, None)
        return rest

    return paginate(call, parameters, following, lambda item: item[key])


def _processor(kind: InstanceType) -> dict[str, Any]:
    clock = {"SustainedClockSpeedInGhz": kind.clock_ghz} if kind.clock_ghz else {}
    return {"SupportedArchitectures": list(kind.architectures), "Manufacturer": kind.maker, **clock}


def _vcpus(kind: InstanceType) -> dict[str, Any]:
    cores = kind.vcpus // kind.threads_per_core
    return {
        "DefaultVCpus": kind.vcpus,
        "DefaultCores": cores,
        "DefaultThreadsPerCore": kind.threads_per_core,
        "ValidCores": [cores],
        "ValidThreadsPerCore": [kind.threads_per_core],
    }


def _ebs(kind: InstanceType, *, nitro: bool) -> dict[str, Any]:
    shown = {
        "EbsOptimizedSupport": "default" if kind.ebs else "unsupported",
        "EncryptionSupport": "supported",
        "NvmeSupport": "required" if nitro else "unsupported",
        "MaximumEbsAttachments": 27,
        "AttachmentLimitType": "shared",
    }
    if kind.ebs is None:
        return shown
    bandwidth = {
        "BaselineBandwidthInMbps": kind.ebs.mbps,
        "BaselineThroughputInMBps": kind.ebs.mbps / 8,
        "BaselineIops": kind.ebs.iops,
        "MaximumBandwidthInMbps": kind.ebs.peak_mbps,
        "MaximumThroughputInMBps": kind.ebs.peak_mbps / 8,
        "MaximumIops": kind.ebs.peak_iops,
    }
    return {**shown, "EbsOptimizedInfo": bandwidth}


def _network(kind: InstanceType, *, nitro: bool) -> dict[str, Any]:
    card = {
        "NetworkCardIndex": 0,
        "NetworkPerformance": kind.network,
        "MaximumNetworkInterfaces": kind.interfaces,
        "BaselineBandwidthInGbps": kind.gbps,
        "PeakBandwidthInGbps": kind.peak_gbps,
    }
    return {
        "NetworkPerformance": kind.network,
        "MaximumNetworkInterfaces": kind.interfaces,
        "MaximumNetworkCards": 1,
        "DefaultNetworkCardIndex": 0,
        "NetworkCards": [card],
        "Ipv4AddressesPerInterface": kind.addresses,
        "Ipv6AddressesPerInterface": 0,
        "Ipv6Supported": False,
        "EnaSupport": "required" if nitro else "unsupported",
        "EfaSupported": False,
        "EncryptionInTransitSupported": False,
        "EnaSrdSupported": False,
    }
