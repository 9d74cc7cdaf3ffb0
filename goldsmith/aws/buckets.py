"""Buckets: where files come from that are imported, and go to that are exported. Folders of the home, or S3's.

A folder's keys are paths within it: each part is opened by itself and may be no link, so that no key, however it is
made, and nothing that lies in the folder, leads out of it. A file that is read is copied aside first, as whoever may
write to the bucket could change it between being checked and being used.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.cloud import Cloud

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""What S3 allows as a bucket's name (S3 user guide, "Bucket naming rules")."""

LONGEST_KEY = 1024
CHUNK = 1 << 20
ZEROS = bytes(CHUNK)


class BucketError(GoldsmithError):
    """A bucket or an object in it that is not there, or cannot be used."""


class Bucket(ABC):
    """A place of files by key."""

    name: str

    @abstractmethod
    def read(self, key: str) -> BinaryIO:
        """Open an object. Raises BucketError when it is not there."""

    @abstractmethod
    def write(self, key: str, file: Path, tags: Mapping[str, str] | None = None) -> None:
        """Put a finished file there, whole or not at all; it may be moved away from where it is."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return an object's bytes. Raises BucketError when it is not there."""

    @abstractmethod
    def below(self, prefix: str, most: int) -> list[str]:
        """Return the keys that begin with ``prefix``, in order; one more than ``most`` where there are more."""

    def fetch(self, key: str, file: Path) -> None:
        """Copy an object to a file of our own, with its holes."""
        with self.read(key) as source, file.open("xb") as target:
            while chunk := source.read(CHUNK):
                if chunk == ZEROS[: len(chunk)]:
                    target.seek(len(chunk), os.SEEK_CUR)
                else:
                    target.write(chunk)
            target.truncate()


class FolderBucket(Bucket):
    """A bucket that is a folder of this host."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    def read(self, key: str) -> BinaryIO:
        """Open a file of the folder."""
        with self._parent(key) as (parent, last):
            try:
                descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            except OSError as refused:
                raise self._missing(key) from refused
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._missing(key)
        return os.fdopen(descriptor, "rb")

    def write(self, key: str, file: Path, tags: Mapping[str, str] | None = None) -> None:  # noqa: ARG002 - none kept
        """Move a file to its place; a folder keeps no tags."""
        with self._parent(key, make=True) as (parent, last):
            aside = f".{last[:200]}.{os.getpid()}"
            try:
                try:
                    os.rename(file, aside, dst_dir_fd=parent)
                except OSError as elsewhere:
                    if elsewhere.errno != errno.EXDEV:
                        raise
                    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=parent)
                    with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
                        shutil.copyfileobj(source, target, CHUNK)
                os.rename(aside, last, src_dir_fd=parent, dst_dir_fd=parent)
                os.fsync(parent)
            except OSError as refused:
                with suppress(FileNotFoundError):
                    os.unlink(aside, dir_fd=parent)
                raise BucketError(
                    f"{key} cannot be written to the bucket {self.name}: {refused.strerror}."
                ) from refused

    def size(self, key: str) -> int:
        """Return a file's bytes."""
        with self.read(key) as file:
            return os.fstat(file.fileno()).st_size

    def below(self, prefix: str, most: int) -> list[str]:
        """Return the keys of the folder's files, no link followed."""
        found: list[str] = []
        for where, folders, files, descriptor in os.fwalk(self._folder):
            above = os.path.relpath(where, self._folder)
            for name in files:
                key = name if above == os.curdir else f"{above}/{name}"
                if key.startswith(prefix) and stat.S_ISREG(os.lstat(name, dir_fd=descriptor).st_mode):
                    found.append(key)
            if len(found) > most:
                break
            folders.sort()
        return sorted(found)[: most + 1]

    @contextmanager
    def _parent(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Give a descriptor of the folder that a key's file is in, and the file's name."""
        *above, last = self._parts(key)
        try:
            if make:
                self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as refused:
            raise BucketError(
                f"There is no bucket {self.name} here.", mend=f"Make the folder {self._folder}."
            ) from refused
        try:
            for part in above:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=descriptor)
                try:
                    below = os.open(
                        part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor
                    )
                except OSError as refused:
                    raise self._missing(key) from refused
                os.close(descriptor)
                descriptor = below
            yield descriptor, last
        finally:
            os.close(descriptor)

    def _parts(self, key: str) -> list[str]:
        parts = key.split("/")
        if len(key) > LONGEST_KEY or "\0" in key or any(part in {"", ".", ".."} for part in parts):
            raise BucketError(f"{key[:200]!r} is no key of a file in the bucket {self.name}.")
        return parts

    def _missing(self, key: str) -> BucketError:
        return BucketError(f"There is no file {key} in the bucket {self.name}.")


class S3Bucket(Bucket):
    """A bucket of S3, or of what speaks as it does; boto3 finds the credentials as it always does."""

    def __init__(self, name: str, url: str) -> None:
        import boto3  # noqa: PLC0415 - slow to load, and most buckets are folders
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        parts = urlsplit(url)
        options = parse_qs(parts.query)
        self.name = name
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/") + "/" if parts.path.strip("/") else ""
        self._client = boto3.client(
            "s3",
            endpoint_url=options.get("endpoint_url", [None])[0],
            region_name=options.get("region", [None])[0],
        )
        self._failures = (BotoCoreError, ClientError)

    def read(self, key: str) -> BinaryIO:
        """Open an object."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
        except self._failures as failure:
            raise self._unusable(key, failure) from failure
        return cast("BinaryIO", body)

    def write(self, key: str, file: Path, tags: Mapping[str, str] | None = None) -> None:
        """Upload a file."""
        extra = {"Tagging": urlencode(dict(tags))} if tags else {}
        try:
            self._client.upload_file(str(file), self._bucket, self._prefix + key, ExtraArgs=extra)
        except self._failures as failure:
            raise self._unusable(key, failure) from failure

    def size(self, key: str) -> int:
        """Return an object's bytes."""
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)["ContentLength"])
        except self._failures as failure:
            raise self._unusable(key, failure) from failure

    def below(self, prefix: str, most: int) -> list[str]:
        """Return the keys of the bucket's objects."""
        found: list[str] = []
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                found += [entry["Key"].removeprefix(self._prefix) for entry in page.get("Contents", ())]
                if len(found) > most:
                    break
        except self._failures as failure:
            raise self._unusable(prefix, failure) from failure
        return found[: most + 1]

    def _unusable(self, key: str, failure: Exception) -> BucketError:
        return BucketError(f"{key} in the bucket {self.name} cannot be used: {failure}")


def open_bucket(cloud: Cloud, account: str, name: str) -> Bucket:
    """Return the bucket of that name: as cloud.yml says, for all accounts; else a folder of the account's own.

    Raises BucketError for a name that is none, or a place in cloud.yml that is none.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise BucketError(f"{name[:100]!r} is no name of a bucket.")
    url = cloud.settings.buckets.get(name)
    if not url:
        return FolderBucket(name, cloud.home.buckets / account / name)
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        return S3Bucket(name, url)
    if parts.scheme == "file" and not parts.netloc:
        return FolderBucket(name, Path(unquote(parts.path)))
    raise BucketError(
        f"cloud.yml says that the bucket {name} is at {url}, which is no place for one.",
        mend="Places are file:///a/folder and s3://bucket/prefix?endpoint_url=….",
    )
