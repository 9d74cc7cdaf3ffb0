"""A blob comes from a registry into a file: after a cut it goes on where it was, and in the end it is verified."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import urllib3

from goldsmith.oci.blobs import CHUNK, OciError, Verified, file_blob
from goldsmith.oci.connection import ATTEMPTS, CutError, pause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.oci.blobs import Descriptor, Progress
    from goldsmith.oci.connection import Connection


def fetch_blob(connection: Connection, wanted: Descriptor, out: int, progress: Progress | None = None) -> None:
    """Fetch a blob into an open, empty file; ``progress`` hears (bytes done, of how many).

    Raises OciError for one that does not fit, did not arrive, or has other bytes than promised.
    """
    _require_room(connection, wanted, out)
    at = failures = 0
    while at < wanted.size:
        before = at
        try:
            for done in _arriving(connection, wanted, out, before):
                at = done
                if progress:
                    progress(done, wanted.size)
        except (CutError, urllib3.exceptions.HTTPError):
            failures = failures + 1 if at <= before else 1
            if failures >= ATTEMPTS:
                raise CutError(
                    f"The blob {wanted.digest} of {connection.name} did not arrive whole.",
                    mend="Run it again when the registry can be reached.",
                ) from None
            pause(failures)
            continue
        if at < wanted.size:
            raise OciError(
                f"The registry sent {at} bytes of the blob {wanted.digest} of {connection.name} instead of"
                f" {wanted.size}.",
                mend="The image is damaged there: push it again.",
            )
    check = file_blob("", wanted.digest, out, 0, wanted.size)
    with Verified(check.opened(), wanted.digest, wanted.size) as stream:
        while stream.read(CHUNK):
            pass


def _arriving(connection: Connection, wanted: Descriptor, out: int, at: int) -> Iterator[int]:
    """Write what arrives from byte ``at`` on; yield how far it is each time."""
    headers = {"Range": f"bytes={at}-"} if at else {}
    answer = connection.stream("GET", f"blobs/{wanted.digest}", headers=headers, expected=frozenset({200, 206}))
    if answer.status != 206:  # noqa: PLR2004 - HTTP's
        at = 0
        os.ftruncate(out, 0)
    for some in answer.stream(CHUNK, decode_content=False):
        at += os.pwrite(out, some, at)
        if at > wanted.size:
            answer.close()
            raise OciError(
                f"The registry sent more of the blob {wanted.digest} of {connection.name} than it has.",
                mend="The image is damaged there: push it again.",
            )
        yield at
    answer.release_conn()


def _require_room(connection: Connection, wanted: Descriptor, out: int) -> None:
    disk = os.fstatvfs(out)
    free = disk.f_bavail * disk.f_frsize
    if wanted.size > free:
        raise OciError(
            f"The blob {wanted.digest} of {connection.name} is said to have {wanted.size >> 20} MiB, and there is room"
            f" for {free >> 20} MiB here.",
            mend="Look whether it is the image that you mean; if so, point GOLDSMITH_HOME at a larger disk.",
        )
