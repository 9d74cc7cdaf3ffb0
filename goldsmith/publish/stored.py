"""An AMI of the catalogue as what can be published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.publish.source import Facts, StoredSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore
    from goldsmith.catalog.catalog import Catalog


def stored_source(catalog: Catalog, store: BlockStore, image: Mapping[str, Any], scratch: Path) -> StoredSource:
    """Return an AMI, as DescribeImages shows it, of the account and region of ``catalog``, whose blocks ``store`` has.

    ``scratch`` is a folder with room for its disk. Raises GoldsmithError when the disk is another account's.
    """
    root = next(
        (
            each["Ebs"]["SnapshotId"]
            for each in image["BlockDeviceMappings"]
            if each["DeviceName"] == image.get("RootDeviceName") and "Ebs" in each
        ),
        "",
    )
    snapshot = catalog.own("snapshot", root) if root else None
    if snapshot is None or "map" not in snapshot.inner:
        raise GoldsmithError(
            f"The disk of {image['ImageId']} is not this account's, or not complete yet.",
            mend="Copy the image first: `goldsmith copy` makes it your own.",
        )
    return StoredSource(_facts(image), store, store.load_map(str(snapshot.inner["map"])), scratch)


def _facts(image: Mapping[str, Any]) -> Facts:
    tags = {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}
    return Facts(
        reference=image["ImageId"],
        name=image["Name"],
        description=image.get("Description", ""),
        created=image["CreationDate"],
        architecture=image["Architecture"],
        boot_mode=image.get("BootMode", ""),
        tags=tags,
    )
