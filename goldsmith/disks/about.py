"""What a format may say of the image whose disk it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class About:
    """An image's own words: its name, version and what it holds.

    ``created`` is ISO 8601 in UTC; ``distribution`` is as in ``parentImage``, such as debian/12, and empty where
    nobody knows; ``epoch`` is seconds since 1970, the time that files of a bundle bear; ``boot_mode`` is EC2's.
    ``packages`` are the rows of its inventory. All of it may be empty.
    """

    name: str = "disk"
    version: str = ""
    description: str = ""
    created: str = ""
    distribution: str = ""
    epoch: int = 0
    architecture: str = "x86_64"
    boot_mode: str = "uefi-preferred"
    packages: tuple[Mapping[str, object], ...] = ()


NOTHING_KNOWN = About()
"""For a disk that is no image's."""
