"""S3 as a pipeline's components see it: the house's buckets, as the image's account has them.

The host's own AWS credentials are its operator's; a component of any account must not act with them.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.pipelines.workflows.action import StepRun
    from goldsmith.pipelines.world import Bucket

MOST_LISTED = 2000
CHUNK = 1 << 20


class HouseBuckets:
    """The methods of boto3's S3 client that the executor's actions call."""

    def __init__(self, step: StepRun) -> None:
        self._step = step

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, BinaryIO]:  # noqa: N803 - boto3's names
        """Open an object."""
        with self._opened("GetObject", Bucket) as bucket:
            return {"Body": bucket.read(Key)}

    def upload_fileobj(self, file: Any, name: str, key: str, **_: Any) -> None:
        """Put a stream's contents there."""
        home = self._step.world.home.path
        with self._opened("PutObject", name) as bucket, TemporaryDirectory(prefix="upload-", dir=home) as aside:
            whole = Path(aside) / "object"
            with whole.open("xb") as out:
                shutil.copyfileobj(file, out, CHUNK)
            bucket.write(key, whole)

    def get_paginator(self, _: str) -> HouseBuckets:
        """Return what lists objects."""
        return self

    def paginate(self, *, Bucket: str, Prefix: str = "", **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        """Yield one page with the objects below a prefix."""
        with self._opened("ListObjectsV2", Bucket) as bucket:
            yield {"Contents": [{"Key": key} for key in bucket.below(Prefix, MOST_LISTED)]}

    @contextmanager
    def _opened(self, operation: str, name: str) -> Iterator[Bucket]:
        """Give a bucket; what it refuses becomes botocore's error, which the executor turns into words."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - loaded where a component asks for S3

        try:
            yield self._step.world.bucket(self._step.image.account, name)
        except GoldsmithError as refused:
            told: Any = {"Error": {"Code": "NoSuchKey", "Message": str(refused.message)}}
            raise ClientError(told, operation) from refused
