"""The instance types that there are: those of the built-in table, and what cloud.yml adds to it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.cloud import Cloud

TABLE = "instance_types.csv"
"""What AWS's DescribeInstanceTypes tells of x86 types, without those whose use is a disk or a device of the host's."""

MEMORY_OF_I386 = 4096
"""MiB: the largest of the Xen types on which AWS starts images of 32 bits."""


@dataclass(frozen=True)
class EbsBandwidth:
    """A type's bandwidth to its volumes, in Mbit/s and operations a second: always, and for a while."""

    mbps: int
    iops: int
    peak_mbps: int
    peak_iops: int


@dataclass(frozen=True)
class InstanceType:
    """An instance type; ``memory`` is in MiB. What concerns the network and volumes is told and not enforced."""

    name: str
    vcpus: int
    memory: int
    threads_per_core: int = 1
    clock_ghz: float = 0.0
    maker: str = "Intel"
    current: bool = True
    free_tier: bool = False
    burstable: bool = False
    hypervisor: str = "nitro"
    interfaces: int = 1
    addresses: int = 1
    network: str = "Moderate"
    gbps: float = 0.0
    peak_gbps: float = 0.0
    ebs: EbsBandwidth | None = None

    @property
    def architectures(self) -> tuple[str, ...]:
        """Of which architectures images start on it."""
        small = self.hypervisor == "xen" and self.memory <= MEMORY_OF_I386 and self.ebs is None
        return ("i386", "x86_64") if small else ("x86_64",)


def instance_type(cloud: Cloud, name: str) -> InstanceType:
    """Return the type of that name. Raises AwsError for an unknown one, as RunInstances does."""
    found = instance_types(cloud).get(name)
    if found is None:
        raise AwsError("InvalidParameterValue", f"Invalid value '{name[:64]}' for InstanceType.")
    return found


def instance_types(cloud: Cloud) -> dict[str, InstanceType]:
    """Return all types by name, sorted; one of cloud.yml takes the place of the built-in one."""
    types = dict(_built_in())
    for name, settings in cloud.settings.instance_types.items():
        known = types.get(name) or InstanceType(name, 1, 1)
        threads = known.threads_per_core if settings.vcpus % known.threads_per_core == 0 else 1
        types[name] = replace(known, vcpus=settings.vcpus, memory=settings.memory, threads_per_core=threads)
    return dict(sorted(types.items()))


@cache
def _built_in() -> Mapping[str, InstanceType]:
    with files("goldsmith.aws.ec2").joinpath(TABLE).open() as table:
        return {row["name"]: _read(row) for row in csv.DictReader(table)}


def _read(row: Mapping[str, str]) -> InstanceType:
    ebs = (row["ebs_mbps"], row["ebs_iops"], row["ebs_peak_mbps"], row["ebs_peak_iops"])
    return InstanceType(
        name=row["name"],
        vcpus=int(row["vcpus"]),
        memory=int(row["memory_mib"]),
        threads_per_core=int(row["threads_per_core"]),
        clock_ghz=float(row["clock_ghz"] or 0),
        maker=row["maker"],
        current=row["current"] == "true",
        free_tier=row["free_tier"] == "true",
        burstable=row["burstable"] == "true",
        hypervisor=row["hypervisor"],
        interfaces=int(row["interfaces"]),
        addresses=int(row["addresses"]),
        network=row["network"],
        gbps=float(row["gbps"]),
        peak_gbps=float(row["peak_gbps"]),
        ebs=EbsBandwidth(*map(int, ebs)) if all(ebs) else None,
    )
