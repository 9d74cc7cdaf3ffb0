"""Which instance types meet a request's InstanceRequirements (EC2 API reference, "InstanceRequirementsRequest")."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.ec2.instance_types import InstanceType

MAKERS = {"Intel": "intel", "AMD": "amd"}
MIB = 1024


def meets(kind: InstanceType, asked: Mapping[str, Any]) -> bool:
    """Tell whether a type meets requirements; burstable types do only where they are asked for."""
    generation = "current" if kind.current else "previous"
    return (
        _within(kind.vcpus, asked.get("VCpuCount"))
        and _within(kind.memory, asked.get("MemoryMiB"))
        and _within(kind.memory / MIB / kind.vcpus, asked.get("MemoryGiBPerVCpu"))
        and _within(kind.interfaces, asked.get("NetworkInterfaceCount"))
        and _within(kind.ebs.mbps if kind.ebs else 0, asked.get("BaselineEbsBandwidthMbps"))
        and generation in (asked.get("InstanceGenerations") or (generation,))
        and MAKERS[kind.maker] in (asked.get("CpuManufacturers") or MAKERS.values())
        and _allows(asked.get("BurstablePerformance") or "excluded", has=kind.burstable)
        and _allows(asked.get("BareMetal") or "excluded", has=False)
        and _allows(asked.get("LocalStorage") or "included", has=False)
        and not asked.get("RequireHibernateSupport")
        and _is_named(kind.name, asked.get("AllowedInstanceTypes") or ("*",))
        and not _is_named(kind.name, asked.get("ExcludedInstanceTypes") or ())
    )


def _within(number: float, bounds: Mapping[str, float] | None) -> bool:
    bounds = bounds or {}
    low, high = bounds.get("Min"), bounds.get("Max")
    return (low is None or number >= low) and (high is None or number <= high)


def _allows(asked: str, *, has: bool) -> bool:
    return {"included": True, "required": has, "excluded": not has}[asked]


def _is_named(name: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
