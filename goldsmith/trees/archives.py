"""The fingerprint of package archives: what their signed indexes say now, in one quick look."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from goldsmith.trees.distributions import Archive

TIMEOUT_SECONDS = 20
NOT_MODIFIED = 304


class ArchiveError(GoldsmithError):
    """A package archive cannot be read."""


@dataclass(frozen=True)
class ArchiveState:
    """What a suite's InRelease was when it was looked at: its SHA-256 and the seconds of its ``Date`` field.

    The signature is not checked here: apt checks it when it installs, and refuses what is not signed.
    """

    uri: str
    sha256: str
    date: int
    etag: str = ""
    last_modified: str = ""


def archive_states(archives: Iterable[Archive], cache: Path) -> tuple[ArchiveState, ...]:
    """Ask every archive, at once, whether its index has changed since the last time.

    ``cache`` is a folder of what was seen last. Raises ArchiveError when one cannot be reached.
    """
    cache.mkdir(parents=True, exist_ok=True)
    uris = [archive.release_uri for archive in archives]
    with ThreadPoolExecutor(max_workers=max(1, len(uris))) as pool:
        return tuple(pool.map(lambda uri: _look(uri, cache), uris))


def _look(uri: str, cache: Path) -> ArchiveState:
    file = cache / f"{hashlib.sha256(uri.encode()).hexdigest()[:32]}.json"
    seen = _remembered(file)
    request = urllib.request.Request(uri)  # noqa: S310 - the archives' addresses are http(s), see distributions
    if seen and seen.etag:
        request.add_header("If-None-Match", seen.etag)
    if seen and seen.last_modified:
        request.add_header("If-Modified-Since", seen.last_modified)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            content = answer.read()
            headers = answer.headers
    except urllib.error.HTTPError as refused:
        if refused.code == NOT_MODIFIED and seen:
            return seen
        raise ArchiveError(
            f"The package archive answered {refused.code} {refused.reason} for {uri}.",
            mend="Check the host's apt sources: the suite may have moved or ended.",
        ) from refused
    except (OSError, http.client.HTTPException) as lost:
        raise ArchiveError(
            f"The package archive cannot be reached: {uri} ({getattr(lost, 'reason', lost)}).",
            mend="Check this host's network and proxy: `apt-get update` has to work.",
        ) from lost
    state = ArchiveState(
        uri=uri,
        sha256=hashlib.sha256(content).hexdigest(),
        date=_date(content, uri),
        etag=headers.get("ETag", ""),
        last_modified=headers.get("Last-Modified", ""),
    )
    written = file.with_suffix(f".{uuid.uuid4().hex}")
    written.write_text(json.dumps(asdict(state)))
    written.replace(file)
    return state


def _remembered(file: Path) -> ArchiveState | None:
    try:
        return ArchiveState(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _date(content: bytes, uri: str) -> int:
    for line in content.splitlines():
        if line.startswith(b"Date:"):
            with contextlib.suppress(ValueError):
                return int(parsedate_to_datetime(line.partition(b":")[2].decode().strip()).timestamp())
    raise ArchiveError(
        f"{uri} is not a package archive's index: it has no valid Date.",
        mend="A captive portal or proxy may have answered instead of the archive.",
    )
