"""A bundle: one file that holds an AMI whole. A tar with image.json, then maps/NAME, then blocks/SHA-256.

Maps and blocks are as the stores have them: a block is there once however many disks share it, compressed. Whoever
reads a bundle believes nothing of it: names are digests of what they name, which is verified.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO

from goldsmith.blocks.block_map import MAX_ENCODED, BlockMap
from goldsmith.blocks.frames import MAX_FRAME
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore
    from goldsmith.blocks.writing import Writing

RECORD = "image.json"
LARGEST_RECORD = 1 << 20
FORM = "goldsmith-image-bundle/1"


class BundleError(GoldsmithError):
    """A file is no bundle, or a damaged one."""


def write_bundle(
    store: BlockStore,
    record: Mapping[str, Any],
    maps: Iterable[str],
    path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a bundle of ``record``, a JSON value, and of these maps with their blocks."""
    with tarfile.open(path, "x:", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, RECORD, json.dumps({"form": FORM, **record}, indent=1).encode())
        needed: set[bytes] = set()
        for name in sorted(set(maps)):
            block_map = store.load_map(name)
            _add(tar, f"maps/{name}", block_map.encode())
            needed |= block_map.digests()
        for done, digest in enumerate(sorted(needed), 1):
            _add(tar, f"blocks/{digest.hex()}", store.frame(digest))
            if progress:
                progress(done, len(needed))


def read_record(bundle: BinaryIO) -> dict[str, Any]:
    """Return the record of a bundle, of which no more is read. Raises BundleError."""
    for name, content in _members(bundle):
        if name == RECORD:
            return _record(content)
        break
    raise BundleError("The file is no bundle of an image.", mend="Bundles are made by CreateStoreImageTask.")


def read_bundle(
    bundle: BinaryIO, writing: Writing, origin: str, progress: Callable[[int], None] | None = None
) -> dict[str, str]:
    """Put a bundle's blocks and maps into a store; return the maps' names there, by those in the bundle.

    Blocks are verified as they come. A map with a block that is not in the bundle is a BundleError, also where the
    store has that block: it may be somebody else's. ``progress`` hears the number of blocks so far.
    """
    maps: dict[str, BlockMap] = {}
    blocks: set[bytes] = set()
    for name, content in _members(bundle):
        kind, _, rest = name.partition("/")
        if kind == "maps":
            if hashlib.sha256(content).hexdigest() != rest:
                raise BundleError(f"The map {rest[:64]} in the bundle is damaged.")
            maps[rest] = BlockMap.decode(content)
        elif kind == "blocks":
            digest = _digest(rest)
            writing.put_frame(digest, content, origin)
            blocks.add(digest)
            if progress:
                progress(len(blocks))
    for name, block_map in maps.items():
        if missing := block_map.digests() - blocks:
            raise BundleError(f"The bundle lacks {len(missing)} blocks of the map {name}.", mend="Copy it anew.")
    return {name: writing.save(block_map) for name, block_map in maps.items()}


def _members(bundle: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of what a bundle can have; anything else in it is an error."""
    limits = {"maps": MAX_ENCODED, "blocks": MAX_FRAME, RECORD: LARGEST_RECORD}
    try:
        with tarfile.open(fileobj=bundle, mode="r|") as tar:
            for member in tar:
                kind = member.name if member.name == RECORD else member.name.partition("/")[0]
                if not member.isreg() or member.size > limits.get(kind, -1):
                    raise BundleError(f"The bundle has {member.name[:100]!r}, which belongs into none.")
                file = tar.extractfile(member)
                content = file.read() if file else b""
                if len(content) != member.size:
                    raise BundleError("The bundle ends too early.", mend="Copy it anew.")
                yield member.name, content
    except tarfile.TarError as wrong:
        raise BundleError(f"The file is no bundle of an image: {wrong}.") from wrong


def _record(content: bytes) -> dict[str, Any]:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise BundleError(f"The bundle's record is no JSON: {wrong}.") from wrong
    if not isinstance(record, dict) or record.get("form") != FORM:
        raise BundleError("The bundle's record is of another form.", mend="Upgrade Goldsmith.")
    return record


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size or digest.hex() != text:
        raise BundleError(f"The bundle names a block {text[:64]!r}, which is no SHA-256.")
    return digest


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o600
    tar.addfile(info, io.BytesIO(content))
