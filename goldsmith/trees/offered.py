"""Which versions of packages the archives offer now, read from their indexes.

The indexes' format is that of Debian's wiki, "DebianRepository/Format". They are held against the hashes in InRelease,
whose signature is not checked here: what is read tells of updates, and apt checks the signature when it installs.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import lzma
import re
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING

from goldsmith.trees.archives import ArchiveError, archive_states
from goldsmith.trees.debian_versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from goldsmith.trees.archives import ArchiveState
    from goldsmith.trees.distributions import Archive

ARCHITECTURE = "amd64"
TIMEOUT_SECONDS = 60
LARGEST_RELEASE = 8 << 20
LARGEST_INDEX = 64 << 20
LARGEST_UNPACKED = 512 << 20

_HASHES = re.compile(r"^SHA256:\n((?: .*\n)+)", re.MULTILINE)
_PORTION = 4 << 20


def offered_versions(archives: Iterable[Archive], cache: Path) -> dict[str, str]:
    """Return the newest version of each binary package in some suites.

    ``cache`` is a folder of what was read last, which is read again only where a suite's index has changed. Raises
    ArchiveError when an archive cannot be reached or does not hold what its index says.
    """
    archives = tuple(archives)
    states = archive_states(archives, cache)
    with ThreadPoolExecutor(max_workers=max(1, len(archives))) as pool:
        found = list(pool.map(_offered, archives, states, repeat(cache)))
    newest: dict[str, str] = {}
    for versions in found:
        _add_newest(newest, versions.items())
    return newest


def read_index(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each package of a Packages index."""
    name = ""
    for line in lines:
        if line.startswith("Package: "):
            name = line[9:].strip()
        elif line.startswith("Version: ") and name:
            yield name, line[9:].strip()
            name = ""


def _add_newest(newest: dict[str, str], found: Iterable[tuple[str, str]]) -> None:
    for name, version in found:
        known = newest.get(name)
        if known is None or (known != version and version_key(known) < version_key(version)):
            newest[name] = version


def _offered(archive: Archive, state: ArchiveState, cache: Path) -> Mapping[str, str]:
    file = cache / f"{hashlib.sha256(state.uri.encode()).hexdigest()[:32]}.{ARCHITECTURE}.offered"
    try:
        kept = json.loads(file.read_text())
        if kept["release"] == [state.sha256, *archive.components]:
            return dict(kept["versions"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        pass
    versions, sha256 = _fetch_versions(archive)
    written = file.with_suffix(f".{uuid.uuid4().hex}")
    written.write_text(json.dumps({"release": [sha256, *archive.components], "versions": versions}))
    written.replace(file)
    return versions


def _fetch_versions(archive: Archive) -> tuple[dict[str, str], str]:
    release = _get(archive.release_uri, LARGEST_RELEASE)
    hashes = _hashes(release.decode(errors="replace"))
    versions: dict[str, str] = {}
    for component in archive.components:
        path = f"{component}/binary-{ARCHITECTURE}/Packages.xz"
        if path not in hashes:
            raise ArchiveError(f"{archive.release_uri} names no {path}.", mend="Check the host's apt sources.")
        folder = f"{archive.uri}/dists/{archive.suite}/{component}/binary-{ARCHITECTURE}"
        uri = f"{folder}/by-hash/SHA256/{hashes[path]}"
        content = _get(uri, LARGEST_INDEX)
        if hashlib.sha256(content).hexdigest() != hashes[path]:
            raise ArchiveError(f"{uri} is not what InRelease says it is.", mend="A mirror may be changing; try again.")
        _add_newest(versions, read_index(_lines(content, uri)))
    return versions, hashlib.sha256(release).hexdigest()


def _hashes(release: str) -> dict[str, str]:
    """Return the SHA-256 of each file of a suite, by its path in it."""
    section = _HASHES.search(release)
    rows = [line.split() for line in section[1].splitlines()] if section else []
    return {row[2]: row[0] for row in rows if len(row) == 3 and re.fullmatch(r"[0-9a-f]{64}", row[0])}  # noqa: PLR2004 - hash, size, path


def _get(uri: str, largest: int) -> bytes:
    try:
        with urllib.request.urlopen(uri, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http(s), see distributions
            content: bytes = answer.read(largest + 1)
    except (OSError, http.client.HTTPException) as lost:
        raise ArchiveError(
            f"The package archive cannot be read: {uri} ({getattr(lost, 'reason', lost)}).",
            mend="Check this host's network and proxy: `apt-get update` has to work.",
        ) from lost
    if len(content) > largest:
        raise ArchiveError(f"{uri} is larger than {largest >> 20} MiB.", mend="It is no index of a package archive.")
    return content


def _lines(content: bytes, uri: str) -> Iterator[str]:
    """Yield the lines of an xz-compressed text, portion by portion, up to a size that no index has."""
    unpacker, rest, total, feed = lzma.LZMADecompressor(lzma.FORMAT_XZ), b"", 0, content
    try:
        while not unpacker.eof:
            portion = unpacker.decompress(feed, _PORTION)
            total, feed = total + len(portion), b""
            if total > LARGEST_UNPACKED or (not portion and unpacker.needs_input):
                raise ArchiveError(f"{uri} is cut short, or too large.", mend="Try again, or use another mirror.")
            *whole, rest = (rest + portion).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
    except lzma.LZMAError as broken:
        raise ArchiveError(f"{uri} is no xz file: {broken}.", mend="Try again, or use another mirror.") from broken
    yield rest.decode(errors="replace")
