"""A disk converted for sending: kept until it has arrived, as a second run has to send the same bytes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.disks.formats import named
from goldsmith.publish.known import forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Source

_MAKING = "making-"


@contextmanager
def converted(source: Source, form: str, home: Home, place: str) -> Iterator[Path]:
    """Give the file to send to ``place``: the build's own, the raw disk, or a conversion kept until it has arrived.

    Not every format's writer gives the same bytes twice, and a resumed upload needs them.
    """
    if written := source.output(form):
        yield written
        return
    if form == "raw":
        with source.raw() as raw:
            yield raw
        return
    row = named(form)
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    name = _named(source, form, place)
    kept, making, lock = folder / name, folder / f"{_MAKING}{name}", folder / f"{name}.lock"
    with _locked(lock):
        if not kept.exists():
            shutil.rmtree(making, ignore_errors=True)  # of a process that was killed
            try:
                making.mkdir()
                with source.raw() as raw:
                    row.write(raw, making / f"disk{row.suffix}", about=source.facts.about())
                making.rename(kept)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
        yield kept / f"disk{row.suffix}"
        shutil.rmtree(kept)
        lock.unlink()


def discard(source: Source, form: str, home: Home, place: str) -> None:
    """Remove a conversion that waits although it has arrived; one that a process works on stays."""
    kept = _folder(home) / _named(source, form, place)
    lock = kept.with_name(f"{kept.name}.lock")
    if not lock.exists():
        return
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(kept, ignore_errors=True)
        lock.unlink(missing_ok=True)


def sweep(home: Home, *, before: float) -> list[Path]:
    """Remove what killed conversions left, and whole ones that wait for a second run since ``before``; return them.

    What is known of conversions and was not asked for since then goes, too. ``before`` is in seconds since 1970. What
    a process works on is left alone.
    """
    forget(home, before=before)
    removed = []
    for lock in sorted(_folder(home).glob("*.lock")):
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            kept = lock.with_suffix("")
            making = lock.with_name(f"{_MAKING}{kept.name}")
            if kept.exists() and kept.stat().st_mtime >= before:
                continue
            for path in (kept, making):
                if path.exists():
                    shutil.rmtree(path)
                    removed.append(path)
            lock.unlink(missing_ok=True)
    return removed


def _named(source: Source, form: str, place: str) -> str:
    said = f"{source.facts.reference}\n{source.facts.created}\n{form}\n{place}"
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _folder(home: Home) -> Path:
    return home.path / "publishing"


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold a lock's file, which whoever held it before may have removed: the one that is there counts."""
    while True:
        with lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                yield
                return
