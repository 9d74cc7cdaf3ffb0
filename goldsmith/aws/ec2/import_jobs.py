"""What imports do after their answer: files are fetched, checked and turned into blocks, then into an AMI."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from goldsmith.aws.buckets import open_bucket
from goldsmith.aws.disk_contents import examine
from goldsmith.aws.disk_images import FORMATS, OVA, read_disk
from goldsmith.aws.ec2.images import image_document
from goldsmith.aws.ec2.snapshot_records import GIB, blank_snapshot, completed, gibibytes
from goldsmith.aws.ec2.task_records import COMPLETED, TaskCancelledError, noted, report, working
from goldsmith.blocks.disk_files import store_disk
from goldsmith.catalog.resources import Resource, new_id
from goldsmith.disks.containers import appliance_to_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from goldsmith.aws.cloud import Cloud
    from goldsmith.aws.disk_contents import Contents
    from goldsmith.blocks.writing import Writing
    from goldsmith.catalog.catalog import Catalog

ROOT = "/dev/sda1"
FIRST_LETTER = "f"
"""Data disks are /dev/sdf and on, as AWS recommends."""


def import_snapshot(cloud: Cloud, task: Resource) -> None:
    """Make the snapshot of an import; its record tells what came of it."""
    with working(cloud, task) as folder:
        (disk,) = task.inner["disks"]
        report(cloud, task, 5, "downloading")
        raw = _fetch(cloud, task, disk, folder)[0]
        report(cloud, task, 50, "converting")
        contents = examine(raw)
        with cloud.blocks(task.region).writing() as writing:
            description = str(task.document.get("Description") or "")
            snapshot = _store(cloud, task, writing, raw, description)
            with cloud.catalog(task.account, task.region) as catalog:
                there = _still_active(catalog, task)
                catalog.add(snapshot)
                size = float(raw.stat().st_size)
                members = {"SnapshotId": snapshot.id, "DiskImageSize": size, "StatusMessage": str(contents)}
                catalog.save(noted(there, state=COMPLETED, Progress=None, **members))


def import_image(cloud: Cloud, task: Resource) -> None:
    """Make the AMI of an import with its snapshots; the task's record tells what came of it."""
    with working(cloud, task) as folder, ExitStack() as stack:
        writing = stack.enter_context(cloud.blocks(task.region).writing())
        raws: list[tuple[Mapping[str, Any], Path | None]] = []
        for number, disk in enumerate(task.inner["disks"]):
            report(cloud, task, 5 + 40 * number // len(task.inner["disks"]), "downloading")
            if "snapshot" in disk:
                raws.append((disk, None))
            else:
                raws += [(disk, raw) for raw in _fetch(cloud, task, disk, folder, f"{number}-")]
        contents = examine(raws[0][1]) if raws[0][1] else None
        stored: list[tuple[Mapping[str, Any], Resource | None, float]] = []
        for number, (disk, raw) in enumerate(raws):
            report(cloud, task, 50 + 40 * number // len(raws), "converting")
            if raw is None:
                stored.append((disk, None, 0))
            else:
                size = float(raw.stat().st_size)
                stored.append(
                    (disk, _store(cloud, task, writing, raw, f"Created by AWS-VMImport service for {task.id}"), size)
                )
        report(cloud, task, 95, "preparing ami")
        with cloud.catalog(task.account, task.region) as catalog:
            there = _still_active(catalog, task)
            _register(catalog, there, stored, contents, cloud.clock())


def _fetch(cloud: Cloud, task: Resource, disk: Mapping[str, Any], folder: Path, prefix: str = "") -> list[Path]:
    """Bring a file here and return the raw disks that are in it."""
    bucket = open_bucket(cloud, task.account, disk["bucket"])
    image = folder / f"{prefix}image"
    bucket.fetch(disk["key"], image)
    if disk["format"] != OVA:
        raw = folder / f"{prefix}disk.raw"
        read_disk(image, FORMATS[disk["format"]], raw)
        image.unlink(missing_ok=True)
        return [raw]
    raws = appliance_to_raw(image, lambda number: folder / f"{prefix}disk-{number}.raw")
    image.unlink()
    return raws


def _store(cloud: Cloud, task: Resource, writing: Writing, raw: Path, description: str) -> Resource:
    """Put a raw disk into the region's store; return its snapshot, complete but not in the catalogue yet."""
    size = gibibytes(raw.stat().st_size)
    block_map = store_disk(writing, raw).merged({}, size * GIB)
    name = writing.save(block_map)
    now = cloud.clock()
    return completed(
        blank_snapshot(task.account, task.region, now, size, description=description), name, block_map, now
    )


def _register(
    catalog: Catalog,
    task: Resource,
    stored: Sequence[tuple[Mapping[str, Any], Resource | None, float]],
    contents: Contents | None,
    now: float,
) -> None:
    """Add an import's snapshots and its AMI, which has the task's id as its name, as on AWS."""
    mappings: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    said = task.document["SnapshotDetails"]
    for number, (disk, made, size) in enumerate(stored):
        snapshot = catalog.add(made) if made else catalog.get("snapshot", disk["snapshot"])
        if snapshot is None:
            raise TaskCancelledError(f"The snapshot {disk['snapshot']} was deleted meanwhile.")
        device = disk["device"] or (ROOT if number == 0 else f"/dev/sd{chr(ord(FIRST_LETTER) + number - 1)}")
        ebs = {
            "SnapshotId": snapshot.id,
            "VolumeSize": snapshot.document["VolumeSize"],
            "VolumeType": "gp2",
            "DeleteOnTermination": True,
            "Encrypted": False,
        }
        mappings.append({"DeviceName": device, "Ebs": ebs})
        known = said[number] if len(said) == len(stored) else {"Format": OVA}
        details.append(
            {
                **{key: value for key, value in known.items() if value is not None},
                "DeviceName": device,
                "SnapshotId": snapshot.id,
                "DiskImageSize": size,
                "Status": COMPLETED,
            }
        )
    document = task.document
    windows = document["Platform"] == "Windows"
    description = document["Description"] or f"AWS-VMImport service: {document['Platform']} - {_system(contents)}"
    image = Resource(
        new_id("ami"),
        "image",
        task.account,
        task.region,
        task.id,
        "available",
        now,
        image_document(
            Architecture=document["Architecture"],
            Description=description[:255],
            RootDeviceName=mappings[0]["DeviceName"],
            BlockDeviceMappings=mappings,
            EnaSupport=True,
            BootMode=document.get("BootMode") or (contents.boot_mode if contents else None) or None,
            Platform="windows" if windows else None,
            PlatformDetails="Windows" if windows else "Linux/UNIX",
            UsageOperation="RunInstances:0002" if windows else "RunInstances",
        ),
    )
    catalog.add(image)
    message = str(contents) if contents else None
    done = {"ImageId": image.id, "SnapshotDetails": details, "StatusMessage": message, "Progress": None}
    catalog.save(noted(task, state=COMPLETED, **done).knowing(os_version=contents.os_version if contents else None))


def _system(contents: Contents | None) -> str:
    return contents.system if contents and contents.system else "unknown system"


def _still_active(catalog: Catalog, task: Resource) -> Resource:
    there = catalog.own(task.kind, task.id)
    if there is None or there.state != "active":
        raise TaskCancelledError("The task was cancelled.")
    return there
