"""Scan a tree: every place, then every content or only what changed."""

from __future__ import annotations

import fnmatch
import os
import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.trees.scan.files import CHUNK, Entry, changed, open_file, pieces, walk
from goldsmith.trees.scan.finding import Finding, ScanReport
from goldsmith.trees.scan.owned import OwnedFiles
from goldsmith.trees.scan.places import may_break_a_rule, place_rule
from goldsmith.trees.scan.secrets import Sighting, sightings
from goldsmith.trees.scan.settings import account_findings, identity_findings, is_setting, setting_findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

WORKERS = 2

KEYS = frozenset(
    {
        "ssh-host-keys",
        "ssh-user-keys",
        "cloud-credentials",
        "git-credentials",
        "registry-credentials",
        "package-credentials",
        "database-credentials",
        "secret-stores",
    }
)
"""Rules whose files hold secrets by their nature: who skips the rule wants the secret."""

MOST_PER_FILE = 100

PUBLIC_BY_NAME = ("/etc/ssl/private/ssl-cert-snakeoil.key",)
"""A key that ssl-cert makes on installation and nobody trusts; services start only if it is there."""


def scan(
    root: Path,
    only: Sequence[str] | None = None,
    skip: frozenset[str] = frozenset(),
    allow: tuple[str, ...] = (),
    accounts: frozenset[str] | None = None,
) -> ScanReport:
    """Look for what the build left in the tree at ``root``; run it inside a chroot to be safe from the tree's links.

    Places are always looked at. Contents are read of every regular file, or of the absolute paths in ``only``
    where `suspects` of all layers says that there is nothing in the rest. ``skip`` names cleanup rules that were
    skipped: what they would have removed is not a finding. ``allow`` are globs (fnmatch) of absolute paths that are
    meant to be there; with ``accounts`` no other account may have a uid from 1000. A file that is byte for byte what
    its Debian or Python package brought is public, and so no finding. Compressed files are not looked into.
    """
    begun = time.monotonic()
    tree = "" if str(root) == "/" else str(root)
    entries = list(walk(tree))
    contents = entries if only is None else list(changed(tree, only))
    by_place = list(_place_findings(tree, entries))
    by_place += account_findings(tree, accounts)
    by_place += identity_findings(tree)
    seen, size = _sightings(tree, [entry.path for entry in contents if entry.kind == "file"])
    owned = OwnedFiles(tree)
    findings = [found for found in by_place if found.line or not owned.holds(found.path, set())]
    told = {found.path for found in findings if not found.line and (found.cleanup not in skip or found.rule in KEYS)}
    for path, offsets in seen.items():
        if path in told or path in PUBLIC_BY_NAME:
            continue
        if not owned.holds(path, {sighting.found for sighting in offsets.values()}):
            findings += _content_findings(tree, path, offsets)
    findings += [Finding(entry.path, "unreadable") for entry in contents if entry.kind == "unreadable"]
    allowed = re.compile("|".join(fnmatch.translate(glob) for glob in allow) or r"\Z.")
    kept = {
        replace(found, path=_printable(found.path))
        for found in findings
        if found.cleanup not in skip and not allowed.match(found.path)
    }
    return ScanReport(tuple(sorted(kept)), len(entries), size, time.monotonic() - begun)


def suspects(root: Path) -> tuple[str, ...]:
    """Return the files of a layer in whose contents any rule of RULES_DIGEST sees something, as absolute paths.

    A tree of layers shows a file's content as one of them holds it, at the same path: what no layer's suspects name
    need not be read again, whichever layers are put together. Run it chrooted in the layer's folder.
    """
    tree = "" if str(root) == "/" else str(root)
    entries = list(walk(tree))
    seen, _ = _sightings(tree, [entry.path for entry in entries if entry.kind == "file"])
    return tuple(sorted({*seen, *(entry.path for entry in entries if entry.kind == "unreadable")}))


def _place_findings(tree: str, entries: Iterable[Entry]) -> Iterator[Finding]:
    for entry in entries:
        if entry.kind == "file" and is_setting(entry.path):
            yield from setting_findings(tree, entry.path)
        if may_break_a_rule(os.fsencode(entry.path)):
            rule = place_rule(entry, empty=os.lstat(tree + entry.path).st_size == 0)
            if rule:
                yield Finding(entry.path, rule, cleanup=rule)


def _sightings(tree: str, paths: Sequence[str]) -> tuple[dict[str, dict[int, Sighting]], int]:
    """Read the files in two threads, as RE2 works without the interpreter's lock; return the bytes read, too."""
    seen: dict[str, dict[int, Sighting]] = {}
    sizes: list[int] = []
    failures: list[BaseException] = []
    waiting = iter(paths)

    def work() -> None:
        buffer = bytearray(CHUNK)
        size = 0
        try:
            for path in waiting:
                size += _read_one(tree, path, buffer, seen)
        except BaseException as failure:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(failure)
        sizes.append(size)

    threads = [threading.Thread(target=work) for _ in range(min(WORKERS, len(paths)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return dict(sorted(seen.items())), sum(sizes)


def _read_one(tree: str, path: str, buffer: bytearray, seen: dict[str, dict[int, Sighting]]) -> int:
    opened = open_file(tree + path)
    if opened is None:
        return 0
    size = 0
    try:
        for offset, piece in pieces(opened, buffer):
            size = offset + len(piece)
            for sighting in sightings(piece):
                of_file = seen.setdefault(path, {})
                if len(of_file) < MOST_PER_FILE:
                    of_file[offset + sighting.start] = sighting
    finally:
        os.close(opened)
    return size


def _content_findings(tree: str, path: str, offsets: dict[int, Sighting]) -> Iterator[Finding]:
    lines = _lines(tree + path, sorted(offsets))
    for offset, sighting in sorted(offsets.items()):
        yield Finding(path, sighting.rule, lines[offset], sighting.excerpt)


def _lines(path: str, offsets: Sequence[int]) -> dict[int, int]:
    """Return on which line, from 1, each of the ascending offsets of a file stands."""
    lines = dict.fromkeys(offsets, 0)
    opened = open_file(path)
    if opened is None:
        return lines
    line, counted = 1, 0
    waiting = iter(offsets)
    target = next(waiting, None)
    try:
        for start, piece in pieces(opened, bytearray(CHUNK)):
            data, end = bytes(piece), start + len(piece)
            counted = max(counted, start)
            while target is not None and target < end:
                line += data.count(b"\n", counted - start, target - start)
                counted = max(counted, target)
                lines[target] = line
                target = next(waiting, None)
            if target is None:
                break
            line += data.count(b"\n", counted - start)
            counted = end
    finally:
        os.close(opened)
    return lines


def _printable(path: str) -> str:
    return os.fsencode(path).decode(errors="backslashreplace")
