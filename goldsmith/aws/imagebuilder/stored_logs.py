"""A build's logs in the bucket that its infrastructure configuration names (6.3)."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldsmith.aws.buckets import open_bucket
from goldsmith.catalog.resources import Query
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.image_run import image_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.imagebuilder.world import CloudWorld
    from goldsmith.catalog.resources import Resource

log = logging.getLogger(__name__)


def store_logs(world: CloudWorld, image: Resource) -> None:
    """Put a build's logs where its infrastructure wants them; a bucket that cannot be used is told in the log."""
    logging_to = (image.document.get("infrastructureConfiguration") or {}).get("logging") or {}
    wanted = logging_to.get("s3Logs") or {}
    if not wanted.get("s3BucketName"):
        return
    prefix = str(wanted.get("s3KeyPrefix", "")).strip("/")
    version, _, build = str(image.document["version"]).partition("/")
    top = "/".join(part for part in (prefix, image.document["name"], version, build) if part)
    try:
        bucket = open_bucket(world.cloud, image.account, wanted["s3BucketName"])
        with TemporaryDirectory(prefix="logs-", dir=world.home.path) as aside:
            for file, name in _files(world, image):
                copy = Path(aside) / "log"
                shutil.copyfile(file, copy, follow_symlinks=False)
                bucket.write(f"{top}/{name}", copy)
    except (GoldsmithError, OSError) as failed:
        log.warning("The logs of %s are not in the bucket %s: %s", image.id, wanted["s3BucketName"], failed)


def _files(world: CloudWorld, image: Resource) -> Iterator[tuple[Path, str]]:
    """Yield each log with its name below the build's: the workflow execution, the step, the file."""
    folder = image_folder(world.home, image.id)
    yield folder / "service.log", "service.log"
    with world.catalog(image.account, image.region, writes=False) as catalog:
        executions = [each.id for each in catalog.find(Query("workflow-execution", names=(image.id,)))]
        steps = list(catalog.find(Query("workflow-step", names=tuple(executions)))) if executions else []
    for step in steps:
        logs = folder / "steps" / step.id
        for file in sorted(logs.rglob("*")):
            if file.is_file() and not file.is_symlink():
                yield file, f"{step.name}/{step.document['name']}/{file.relative_to(logs)}"
