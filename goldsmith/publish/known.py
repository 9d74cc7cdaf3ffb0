"""What conversions gave, known by what went into them: a target is asked before anything is converted again.

Only sizes and digests are kept, never bytes: what a target lacks is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import zstandard

import goldsmith.disks
import goldsmith.oci

if TYPE_CHECKING:
    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Source


def recall(source: Source, form: str, home: Home) -> dict[str, Any] | None:
    """Return what is known of a source in a format, None where it was never made of these bytes by these writers."""
    file = _file(source, form, home)
    if file is None:
        return None
    try:
        facts = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    with suppress(FileNotFoundError):  # removed by `goldsmith gc` meanwhile
        os.utime(file)
    return facts if isinstance(facts, dict) else None


def remember(source: Source, form: str, home: Home, facts: dict[str, Any]) -> None:
    """Keep what a conversion gave beside what is known of the same bytes (``sha256``).

    Of a source whose digest nobody knows nothing is kept.
    """
    file = _file(source, form, home)
    if file is None:
        return
    earlier = recall(source, form, home) or {}
    if earlier.get("sha256") == facts.get("sha256"):
        facts = {**earlier, **facts}
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False) as arriving:
        json.dump(facts, arriving)
    os.replace(arriving.name, file)  # noqa: PTH105 - a name, not a path


def forget(home: Home, *, before: float) -> None:
    """Remove what was not asked for since ``before``, in seconds since 1970."""
    for file in _folder(home).glob("*"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                file.unlink()


def _file(source: Source, form: str, home: Home) -> Path | None:
    digest = source.digest(form)
    if not digest:
        return None
    said = json.dumps(
        [digest, form, source.facts.reference, vars(source.facts.about()), _writers()], sort_keys=True, default=str
    )
    return _folder(home) / hashlib.sha256(said.encode()).hexdigest()[:32]


def _folder(home: Home) -> Path:
    return home.path / "conversions"


@cache
def _writers() -> str:
    """Return a digest of all that writes formats here: our own modules, and the libraries that compress."""
    seen = hashlib.sha256(f"zlib {zlib.ZLIB_RUNTIME_VERSION}, zstd {zstandard.ZSTD_VERSION}".encode())
    for room in (goldsmith.disks, goldsmith.oci):
        for folder in room.__path__:
            for module in sorted(Path(folder).rglob("*.py")):
                seen.update(module.read_bytes())
    return seen.hexdigest()
