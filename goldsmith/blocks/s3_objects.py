"""A bucket's objects under one prefix, and what an S3 store calls its own.

    blocks/ab/cdef…    the frame of the block whose SHA-256 is abcdef…
    maps/…             the encoding of a map, under its SHA-256
    …[.<lease>]        the same, written again while its first name was condemned
    leases/<id>/…      a Writing's `begin`, its last sign of life `alive`, and its `ended`
    condemned/<id>     the keys that a collector is going to remove, one a line
    damaged/…          blocks that a check set aside
    collecting         the one collector's sign of life

Times are the server's. Any server with S3's strong consistency and If-None-Match does.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from goldsmith.blocks.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_s3 import S3Client

THREADS = 16
_DELETED_AT_ONCE = 1000
_ABSENT = ("NoSuchKey", "404")
_PRESENT = ("PreconditionFailed", "412", "ConditionalRequestConflict")


@dataclass(frozen=True)
class StoredObject:
    """An object's key under the prefix, its bytes, and when it was written, in seconds of the server's clock."""

    key: str
    size: int
    written: float


class S3Objects:
    """The objects under the prefix of ``url``, ``s3://bucket/prefix?endpoint_url=…&region=…``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := options.keys() - {"endpoint_url", "region"}:
            raise BlockError(
                f"{url} has a setting that S3 stores do not know: {min(unknown)}.",
                mend="They know endpoint_url and region.",
            )
        self.url = url
        self._bucket = parts.netloc
        path = unquote(parts.path).strip("/")
        self._prefix = f"{path}/" if path else ""
        with self._explained("opened"):
            self._client: S3Client = boto3.session.Session().client(
                "s3",
                endpoint_url=options.get("endpoint_url"),
                region_name=options.get("region"),
                config=Config(
                    retries={"mode": "standard", "max_attempts": 5},
                    max_pool_connections=2 * THREADS,
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

    def get(self, key: str, most: int) -> bytes | None:
        """Return an object's bytes, ``most`` of them and one, or None if it is not there."""
        with self._explained(f"read at {key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
            with answer["Body"] as body:
                return body.read(most + 1)

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        with self._explained(f"written at {key}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=body)

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless it is there; return whether it was written."""
        with self._explained(f"written at {key}"):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] in _PRESENT:
                    return False
                raise
            return True

    def list(self, under: str) -> Iterator[StoredObject]:
        """Yield the objects whose keys begin with ``under``, by key."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._explained(f"listed at {under}"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + under):
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._prefix)
                    yield StoredObject(key, entry["Size"], entry["LastModified"].timestamp())

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are no error."""
        rest = iter(keys)
        while batch := list(islice(rest, _DELETED_AT_ONCE)):
            with self._explained(f"removed at {batch[0]}"):
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": self._prefix + key} for key in batch], "Quiet": True},
                )
            if failed := answer.get("Errors"):
                raise self._error(f"removed at {failed[0].get('Key')}", failed[0].get("Message", "refused"))

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError, ValueError) as error:
            raise self._error(what, str(error)) from error

    def _error(self, what: str, why: str) -> BlockError:
        return BlockError(
            f"The block store {self.url} cannot be {what}: {why}.",
            mend="Look at the bucket, its endpoint and the AWS credentials of this process.",
        )


def block_key(digest: bytes) -> str:
    """Return the first key of a block."""
    name = digest.hex()
    return f"blocks/{name[:2]}/{name[2:]}"


def map_key(name: str) -> str:
    """Return the first key of a map."""
    return f"maps/{name}"


def name_in(key: str) -> str:
    """Return the name, a SHA-256's hex digits, of the block or map that ``key`` holds."""
    return "".join(key.partition(".")[0].split("/")[1:])
