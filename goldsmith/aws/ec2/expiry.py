"""What is over by the house's clock: what the recycle bin kept long enough, AMIs deregistered long ago, old reports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.image_usage import REPORT
from goldsmith.aws.ec2.own_images import DEREGISTERED
from goldsmith.catalog.resources import every
from goldsmith.catalog.uploads import forget_blocks
from goldsmith.catalog.uses import RECYCLED, count_users
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.resources import Resource

KEPT_DEREGISTERED = 24 * 3600
"""Seconds for which a deregistered AMI is still known as such, so that clients see it go; longer with instances."""

log = logging.getLogger(__name__)


def expire(cloud: Cloud) -> int:
    """Remove what is over, in all accounts and regions; return how many resources that were."""
    with cloud.database.reading() as connection:
        over = list(_over(connection, cloud.clock()))
    for resource in over:
        try:
            with cloud.catalog(resource.account, resource.region) as catalog:
                if catalog.own(resource.kind, resource.id) is not None:
                    catalog.remove(resource)
                    forget_blocks(catalog.connection, resource.id)
        except GoldsmithError as failed:
            log.warning("%s %s could not be removed: %s", resource.kind, resource.id, failed)
    return len(over)


def _over(connection: Connection, now: float) -> Iterator[Resource]:
    for kind in (f"{RECYCLED}image", f"{RECYCLED}snapshot"):
        yield from (each for each in every(connection, kind) if float(each.inner["recycled"]["exits"]) <= now)
    yield from (each for each in every(connection, REPORT) if float(each.inner["expires"]) <= now)
    for image in every(connection, "image", states=(DEREGISTERED,)):
        if float(image.inner.get("deregistered", 0)) + KEPT_DEREGISTERED <= now and not count_users(
            connection, "instance", image.region, image.id
        ):
            yield image
