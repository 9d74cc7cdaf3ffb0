"""Regions and availability zones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import apply
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

REGION_FILTERS = {"region-name": "RegionName", "endpoint": "Endpoint", "opt-in-status": "OptInStatus"}
ZONE_FILTERS = {
    "zone-name": "ZoneName",
    "zone-id": "ZoneId",
    "region-name": "RegionName",
    "state": "State",
    "zone-type": "ZoneType",
    "group-name": "GroupName",
    "opt-in-status": "OptInStatus",
    "message": "Messages[].Message",
}


@ec2.operation()
def describe_regions(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the regions of cloud.yml."""
    names = list(call.cloud.settings.regions)
    wanted = parameters.get("RegionNames")
    if unknown := [name for name in wanted or () if name not in names]:
        raise AwsError("InvalidParameterValue", f"Invalid region names: [{', '.join(unknown)}]")
    items = (
        {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": "opt-in-not-required"}
        for name in wanted or names
    )
    return {"Regions": apply(parameters.get("Filters"), REGION_FILTERS, items)}


@ec2.operation()
def describe_availability_zones(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the zones of the call's region, all on this host."""
    zones = [_zone(call.region, name) for name in call.cloud.zones(call.region)]
    for asked, member in (("ZoneNames", "ZoneName"), ("ZoneIds", "ZoneId")):
        if wanted := parameters.get(asked):
            known = [zone[member] for zone in zones]
            if unknown := [name for name in wanted if name not in known]:
                raise AwsError("InvalidParameterValue", f"Invalid availability zones: [{', '.join(unknown)}]")
            zones = [zone for zone in zones if zone[member] in wanted]
    return {"AvailabilityZones": apply(parameters.get("Filters"), ZONE_FILTERS, zones)}


def zone_id(region: str, zone: str) -> str:
    """Return a zone's id as AWS forms it: use1-az1 for us-east-1a."""
    *areas, side, number = ["", "", *region.split("-")][-4:]
    if not (areas[-1] and number.isdecimal()):
        return f"{hashlib.sha256(region.encode()).hexdigest()[:4]}-az{ord(zone[-1]) - 96}"
    area = "".join(areas).replace("gov", "g")
    sides = {"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw"}
    return f"{area}{sides.get(side, side[:1])}{number}-az{ord(zone[-1]) - 96}"


def _zone(region: str, name: str) -> dict[str, Any]:
    return {
        "ZoneName": name,
        "ZoneId": zone_id(region, name),
        "State": "available",
        "RegionName": region,
        "GroupName": f"{region}-zg-1",
        "NetworkBorderGroup": region,
        "ZoneType": "availability-zone",
        "OptInStatus": "opt-in-not-required",
        "Messages": [],
    }
