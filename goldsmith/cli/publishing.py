"""What is published or exported: an image of this host, or an AMI of the catalogue, found by what a person calls it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageNotFoundError, ImageStore
from goldsmith.cli.output import UsageError
from goldsmith.pipelines.home import Home
from goldsmith.publish.source import BakedSource, Facts, StoredSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from goldsmith.cli.here import Here
    from goldsmith.errors import GoldsmithError
    from goldsmith.publish.source import Source

AMI = "ami-"


@contextmanager
def found_source(said: str, *, region: str = "") -> Iterator[Source]:
    """Give the image of NAME[/VERSION[/BUILD]] of this host, or the account's own AMI of an id, name or Name tag.

    ``region`` is where an AMI is looked for, if not in the default region. Raises GoldsmithError for what is neither.
    """
    home = Home.default().ready()
    store = ImageStore(home.images)
    unknown: GoldsmithError | None = None
    if not said.startswith(AMI):
        try:
            image = store.find(said)
        except ImageNotFoundError as missing:
            unknown = missing
        else:
            yield BakedSource(image, store.path(image), home.path)
            return
    with ExitStack() as stack:
        from goldsmith.aws.cloud import CloudError
        from goldsmith.cli.here import here

        try:
            world = stack.enter_context(here(region=region))
        except CloudError as absent:
            raise unknown or absent from None
        yield _stored(world, said)


def _stored(world: Here, said: str) -> StoredSource:
    from goldsmith.cli.naming import find_image

    image = find_image(world, said)
    root = next(
        (
            each["Ebs"]["SnapshotId"]
            for each in image["BlockDeviceMappings"]
            if each["DeviceName"] == image.get("RootDeviceName") and "Ebs" in each
        ),
        "",
    )
    with world.cloud.catalog(world.account.id, world.region, writes=False) as catalog:
        snapshot = catalog.own("snapshot", root) if root else None
    if snapshot is None or "map" not in snapshot.inner:
        raise UsageError(
            f"The disk of {image['ImageId']} is not this account's, or not complete yet.",
            mend="Copy the image first: `goldsmith copy` makes it your own.",
        )
    store = world.cloud.blocks(world.region)
    return StoredSource(_facts(image), store, store.load_map(snapshot.inner["map"]), world.cloud.home.path)


def _facts(image: dict[str, Any]) -> Facts:
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
