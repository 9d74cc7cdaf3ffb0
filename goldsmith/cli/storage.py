"""`goldsmith storage`: what the regions' block stores hold and take, and whether every block of them is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.collecting import needs
from goldsmith.catalog.resources import every
from goldsmith.cli.output import UsageError, bytes_for_people, print_json, print_table
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from goldsmith.aws.collecting import Needs
    from goldsmith.blocks.checking import Checked

DAMAGED = 1
"""The exit status when some snapshot cannot be read whole."""


def show_storage(*, as_json: bool) -> None:
    """Print what each store's snapshots hold, share and take."""
    cloud = Cloud.open(Home.default())
    try:
        measured = [(found, found.store.usage(list(found.maps.elements()))) for found in needs(cloud)]
    finally:
        cloud.close()
    if as_json:
        print_json([{"regions": found.regions, "store": found.store.url, **asdict(usage)} for found, usage in measured])
        return
    rows = [
        (
            ", ".join(found.regions),
            str(usage.maps),
            bytes_for_people(usage.disks),
            bytes_for_people(usage.logical),
            bytes_for_people(usage.shared),
            bytes_for_people(usage.stored),
            bytes_for_people(usage.unreferenced),
        )
        for found, usage in measured
        if usage.maps or usage.unreferenced
    ]
    if not rows:
        print("No region has snapshots yet.")
        return
    print_table(("REGION", "SNAPSHOTS", "DISKS", "LOGICAL", "SHARED", "STORED", "OTHER"), rows)


def check_storage(*, region: str, repair: bool, as_json: bool) -> int:
    """Read and verify every block; print what is missing or damaged and which snapshots that hits.

    With ``repair`` damaged blocks are set aside, and taken from another region's store where that has them. Returns
    the exit status.
    """
    cloud = Cloud.open(Home.default())
    try:
        stores = needs(cloud)
        if region and not any(region in found.regions for found in stores):
            raise UsageError(f"There is no region {region}.", mend=f"Choose from: {', '.join(cloud.settings.regions)}.")
        results = []
        for found in stores:
            if not region or region in found.regions:
                checked = found.store.check(found.live_maps, repair=repair)
                if repair and checked.hit_maps:
                    checked = _repair(found, stores, checked)
                results.append((found, checked, _snapshots(cloud, found, checked)))
    finally:
        cloud.close()
    if as_json:
        print_json([_as_json(*result) for result in results])
    else:
        for result in results:
            _tell(*result)
    return DAMAGED if any(checked.hit_maps for _, checked, _ in results) else 0


def _repair(found: Needs, stores: list[Needs], checked: Checked) -> Checked:
    """Take what is wanted from other stores, one after the other."""
    for other in stores:
        if other is not found and checked.hit_maps:
            checked = found.store.check(found.live_maps, repair=True, source=other.store)
    return checked


def _snapshots(cloud: Cloud, found: Needs, checked: Checked) -> list[str]:
    """Return the ids of the snapshots that cannot be read whole."""
    with cloud.database.reading() as connection:
        return [
            snapshot.id
            for snapshot in every(connection, "snapshot")
            if snapshot.region in found.regions and snapshot.inner.get("map") in checked.hit_maps
        ]


def _as_json(found: Needs, checked: Checked, snapshots: list[str]) -> dict[str, object]:
    return {
        "regions": found.regions,
        "blocks": checked.blocks,
        "missing": [digest.hex() for digest in checked.missing],
        "damaged": [digest.hex() for digest in checked.damaged],
        "repaired": len(checked.repaired),
        "maps": sorted(checked.hit_maps),
        "snapshots": snapshots,
    }


def _tell(found: Needs, checked: Checked, snapshots: list[str]) -> None:
    where = ", ".join(found.regions)
    wrong = len(checked.missing) + len(checked.damaged) + len(checked.maps)
    if not wrong:
        print(f"{where}: {checked.blocks} blocks, all whole.")
        return
    print(
        f"{where}: {checked.blocks} blocks, {len(checked.damaged)} damaged, {len(checked.missing)} missing, "
        f"{len(checked.maps)} maps unreadable; {len(checked.repaired)} repaired."
    )
    for snapshot in snapshots:
        print(f"  {snapshot} cannot be read whole")
    if checked.hit_maps:
        print("  --repair takes what another region has. What was uploaded or built from can be stored again.")
