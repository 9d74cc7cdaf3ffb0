"""An image's disk as an object of S3, or of anything that speaks as it does: in parts, resumed where it was cut.

What has arrived is asked of the bucket itself (ListMultipartUploads, ListParts), so that a second run needs no
journal: parts whose MD5 is the local one's are kept, the others sent.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from goldsmith.blocks.concurrently import concurrently
from goldsmith.disks.formats import named
from goldsmith.errors import GoldsmithError
from goldsmith.publish.conversions import converted, discard
from goldsmith.publish.known import recall, remember
from goldsmith.publish.parts import Parts

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from goldsmith.pipelines.home import Home
    from goldsmith.publish.parts import Part
    from goldsmith.publish.source import Progress, Source

THREADS = 4
ATTEMPTS = 8


class BucketPublishError(GoldsmithError):
    """An object could not be put into a bucket."""


@dataclass(frozen=True)
class PublishedObject:
    """An object that is there, or would be: ``sent`` of its ``size`` bytes went over the wire in this run."""

    uri: str
    format: str
    size: int
    sha256: str
    sent: int
    unchanged: bool


@dataclass(frozen=True)
class _Found:
    """What a bucket has of what is meant: all of it, or an unfinished upload and the parts that it lacks."""

    meant: Parts
    there: bool
    upload: str
    missing: tuple[Part, ...]

    def told(self, bucket: str, key: str, form: str) -> PublishedObject:
        sent = sum(part.size for part in self.missing)
        return PublishedObject(f"s3://{bucket}/{key}", form, self.meant.size, self.meant.sha256, sent, self.there)


def publish_to_bucket(
    source: Source,
    uri: str,
    form: str = "vmdk",
    *,
    home: Home,
    endpoint: str = "",
    profile: str = "",
    region: str = "",
    progress: Progress | None = None,
    dry_run: bool = False,
) -> PublishedObject:
    """Put the image's disk at ``uri``, ``s3://bucket/key`` or ``s3://bucket/prefix/`` (the name is then the image's).

    ``endpoint`` is another S3's URL. ``progress`` hears (bytes there, of how many). An object with the same bytes is
    left as it is. Raises BucketPublishError; what was sent before stays, and the next run goes on from it.
    """
    bucket, key = _place(uri, source, form)
    client = _client(endpoint, profile, region)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to load

    try:
        known = Parts.known(recall(source, form, home))
        if known:
            found = _looked_for(client, bucket, key, known)
            if found.there:
                discard(source, form, home, f"{bucket}/{key}")
            if found.there or dry_run:
                return found.told(bucket, key, form)
        else:  # the bucket and the credentials are tried before a disk is read
            client.list_multipart_uploads(Bucket=bucket, Prefix=key, MaxUploads=1)
        with converted(source, form, home, f"{bucket}/{key}") as file:
            found = _looked_for(client, bucket, key, Parts.of(file))
            remember(source, form, home, found.meant.facts)
            if not found.there and not dry_run:
                _send(client, bucket, key, found, file, progress)
            return found.told(bucket, key, form)
    except (BotoCoreError, ClientError) as failure:
        raise BucketPublishError(
            f"{uri} could not be written: {failure}",
            mend="Look at the bucket, its endpoint and the credentials; a second run sends only what is missing.",
        ) from failure


def _place(uri: str, source: Source, form: str) -> tuple[str, str]:
    """Return bucket and key; a prefix gets a name as AWS's exports have it."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise BucketPublishError(f"{uri} is no place of a bucket.", mend="Write s3://bucket/key or s3://bucket/prefix/")
    key = parts.path.lstrip("/")
    if not key or key.endswith("/"):
        key += f"export-{source.facts.reference.replace('/', '-')}{named(form).suffix}"
    return parts.netloc, key


def _client(endpoint: str, profile: str, region: str) -> S3Client:
    import boto3  # noqa: PLC0415 - slow to load
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        max_pool_connections=THREADS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else {},
    )
    session = boto3.session.Session(profile_name=profile or None)
    return session.client("s3", endpoint_url=endpoint or None, region_name=region or None, config=config)


def _looked_for(client: S3Client, bucket: str, key: str, meant: Parts) -> _Found:
    if _is_there(client, bucket, key, meant):
        return _Found(meant, there=True, upload="", missing=())
    upload, arrived = _earlier(client, bucket, key, meant)
    missing = tuple(part for part in meant.parts if part.number not in arrived)
    return _Found(meant, there=False, upload=upload, missing=missing)


def _is_there(client: S3Client, bucket: str, key: str, meant: Parts) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to load

    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except ClientError as absent:
        if absent.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return False
        raise
    return head["ContentLength"] == meant.size and head["ETag"].strip('"') == meant.tag


def _earlier(client: S3Client, bucket: str, key: str, meant: Parts) -> tuple[str, set[int]]:
    """Return the unfinished upload with most of these parts, and their numbers; none where there is none."""
    best: tuple[str, set[int]] = ("", set())
    wanted = {part.number: part for part in meant.parts}
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key):
        for upload in page.get("Uploads", ()):
            if upload["Key"] != key:
                continue
            arrived = {
                number
                for number, (size, tag) in _arrived(client, bucket, key, upload["UploadId"]).items()
                if number in wanted and wanted[number].size == size and wanted[number].md5.hex() == tag
            }
            if len(arrived) > len(best[1]):
                best = (upload["UploadId"], arrived)
    return best


def _arrived(client: S3Client, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
    """Return the parts that an upload has: by number, their bytes and MD5s."""
    pages = client.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload)
    return {
        part["PartNumber"]: (part["Size"], part["ETag"].strip('"')) for page in pages for part in page.get("Parts", ())
    }


def _send(client: S3Client, bucket: str, key: str, found: _Found, file: Path, progress: Progress | None) -> None:
    """Send the missing parts and make the object of all."""
    upload, parts = found.upload, found.meant.parts
    if not upload:
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    total = found.meant.size
    done = total - sum(part.size for part in found.missing)
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    place: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": upload}

    def send(part: Part) -> int:
        body = os.pread(descriptor, part.size, part.offset)
        md5 = base64.b64encode(part.md5).decode()
        client.upload_part(**place, PartNumber=part.number, Body=body, ContentMD5=md5)
        return part.size

    try:
        for size in concurrently(THREADS, send, found.missing):
            done += size
            if progress:
                progress(done, total)
    finally:
        os.close(descriptor)
    tags = _arrived(client, bucket, key, upload)
    lacking = [part.number for part in parts if tags.get(part.number, (-1, ""))[0] != part.size]
    if lacking:
        raise BucketPublishError(f"The bucket lost part {lacking[0]} of {key}.", mend="Run it again: it is sent anew.")
    pieces = [{"PartNumber": part.number, "ETag": f'"{tags[part.number][1]}"'} for part in parts]
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": pieces})  # type: ignore[typeddict-item]
    plain = all(tags[part.number][1] == part.md5.hex() for part in parts)  # encrypted by KMS, a part's ETag is no MD5
    if plain and not _is_there(client, bucket, key, found.meant):
        raise BucketPublishError(f"{key} is not in the bucket {bucket} as it was sent.", mend="Run it again.")
