"""Which of two Debian versions is newer: the order of deb-version(7), as dpkg has it."""

from __future__ import annotations

import re
from typing import TypeAlias

VersionKey: TypeAlias = tuple[int, tuple[object, ...], tuple[object, ...]]

_PART = re.compile(r"([^0-9]*)([0-9]*)")
_BEFORE_ALL = "~"
_END = 0
_AFTER_LETTERS = 256


def version_key(version: str) -> VersionKey:
    """Return what versions are ordered by; of a text that is no version too, but in no order of dpkg's."""
    epoch, colon, rest = version.partition(":")
    upstream, _, revision = (rest if colon else version).rpartition("-")
    if not upstream:
        upstream, revision = revision, ""
    return (int(epoch) if colon and epoch.isdecimal() else 0, _part_key(upstream), _part_key(revision or "0"))


def _part_key(text: str) -> tuple[object, ...]:
    key: list[object] = []
    for letters, digits in _PART.findall(text):
        key.append((*(_rank(letter) for letter in letters), _END))
        if letters or digits:
            key.append(int(digits or 0))
    return tuple(key)


def _rank(letter: str) -> int:
    if letter == _BEFORE_ALL:
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + _AFTER_LETTERS
