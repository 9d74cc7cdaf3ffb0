"""What is published or exported: an image of this host, or an AMI of the catalogue, found by what a person calls it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageNotFoundError, ImageStore
from goldsmith.pipelines.home import Home
from goldsmith.publish.source import BakedSource
from goldsmith.publish.stored import stored_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.cli.here import Here
    from goldsmith.errors import GoldsmithError
    from goldsmith.publish.source import Source, StoredSource

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
    scratch = world.cloud.home.path
    with world.cloud.catalog(world.account.id, world.region, writes=False) as catalog:
        return stored_source(catalog, world.cloud.blocks(world.region), image, scratch)
