"""Snapshots of an image that no AMI has: what publishes that were cut short left at AWS, where it is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from goldsmith.publish.aws.holder import held
from goldsmith.publish.aws.image import own_images, snapshots_of
from goldsmith.publish.aws.journal import Journal
from goldsmith.publish.aws.marks import IMAGE_TAG
from goldsmith.publish.aws.upload import journals

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.publish.aws.clients import Clients

_GONE = "InvalidSnapshot.NotFound"


@dataclass(frozen=True)
class Leftover:
    """A snapshot of no AMI, since when (UTC), and whether this home sent it: others may be sending theirs now."""

    snapshot: str
    state: str
    since: str
    ours: bool

    def __str__(self) -> str:
        """Return it in words."""
        whose = "" if self.ours else ", sent from another home"
        return f"{self.snapshot}, {self.state}, in no AMI, begun {self.since} UTC{whose}"


def find_leftovers(clients: Clients, region: str, home: Path, image: str) -> list[Leftover]:
    """Return the account's snapshots of an image that no published AMI has, the oldest first.

    Two builds of the same bits share one: it is looked for in the AMIs of all images.
    """
    filters: Any = [{"Name": f"tag:{IMAGE_TAG}", "Values": [image]}]
    found: Any = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    if not found:
        return []
    shown = own_images(clients, region, "tag-key", IMAGE_TAG)
    used = {snapshot for each in shown for snapshot in snapshots_of(each)}
    ours = _sent_here(home)
    return [
        Leftover(
            each["SnapshotId"], each["State"], f"{each['StartTime']:%Y-%m-%d %H:%M}", ours=each["SnapshotId"] in ours
        )
        for each in sorted(found, key=lambda each: each["StartTime"])
        if each["SnapshotId"] not in used
    ]


def abandon(
    clients: Clients, region: str, home: Path, image: str, place: str, *, dry: bool
) -> tuple[list[Leftover], list[Leftover]]:
    """Delete an image's leftovers that this home sent, and forget its uploads to the place; return them, and the rest.

    Raises AwsPublishError while another process publishes to the place.
    """
    leftovers = find_leftovers(clients, region, home, image)
    ours = [each for each in leftovers if each.ours]
    if not dry:
        for folder in _folders(home):
            uploads = [each for each in Journal.all_of(folder) if _is_of(each, image, place)]
            sent = [each for each in ours if _has_sent(folder, each.snapshot)]
            if not uploads and not sent:
                continue
            with held(folder, image):
                for leftover in sent:
                    _delete(clients, region, leftover.snapshot)
                    (folder / f"{leftover.snapshot}.map").unlink(missing_ok=True)
                for upload in uploads:
                    upload.forget()
    return ours, [each for each in leftovers if not each.ours]


def _delete(clients: Clients, region: str, snapshot: str) -> None:
    try:
        clients.ec2(region).delete_snapshot(SnapshotId=snapshot)
    except ClientError as refused:
        if refused.response["Error"].get("Code") != _GONE:
            raise


def _is_of(journal: Journal, image: str, place: str) -> bool:
    pending = journal.pending()
    return pending is not None and (pending.begun.image, pending.begun.place) == (image, place)


def _has_sent(folder: Path, snapshot: str) -> bool:
    return snapshot in _sent_to(folder)


def _sent_here(home: Path) -> set[str]:
    return {snapshot for folder in _folders(home) for snapshot in _sent_to(folder)}


def _sent_to(folder: Path) -> set[str]:
    """Return the snapshots that were sent to a place, whole or not."""
    begun = {pending.snapshot for each in Journal.all_of(folder) if (pending := each.pending())}
    return begun | {file.stem for file in folder.glob("snap-*.map")}


def _folders(home: Path) -> list[Path]:
    return sorted(folder for folder in journals(home).glob("*") if folder.is_dir())
