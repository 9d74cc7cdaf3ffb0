"""Semantic versions and their wildcards (1.3).

Follows AWS's guide, "Semantic versioning in Image Builder", and the patterns VersionNumber and
WildcardVersionNumber of botocore's model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NODE = 2**30 - 1
WILDCARD = "x"

_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)(?:/([0-9]+))?")
_PATTERN = re.compile(r"([0-9]+|x)\.([0-9]+|x)\.([0-9]+|x)(?:/([0-9]+))?")
_LONGEST = 64


class VersionError(GoldsmithError):
    """A text that is no version."""


@dataclass(frozen=True, order=True)
class Version:
    """``major.minor.patch`` and the build's number, which counts from 1; 0 stands for no build."""

    major: int
    minor: int
    patch: int
    build: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version that ``a.b.c`` or ``a.b.c/n`` says; raises VersionError."""
        match = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise VersionError(f"'{text[:_LONGEST]}' is not a version.", mend="Write three numbers, like 1.0.0.")
        major, minor, patch, build = (int(node) if node else 0 for node in match.groups())
        _check_nodes(text, (major, minor, patch, build))
        return cls(major, minor, patch, build)

    @property
    def release(self) -> Version:
        """This version without its build's number."""
        return Version(self.major, self.minor, self.patch)

    @property
    def semver(self) -> int:
        """The version as the one integer that AWS's notifications carry: 30 bits a node, major first."""
        return self.major << 90 | self.minor << 60 | self.patch << 30 | self.build

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{f'/{self.build}' if self.build else ''}"


@dataclass(frozen=True)
class VersionPattern:
    """A version whose last nodes may be open: ``1.2.x``, ``1.x.x``, ``x.x.x``, or a whole one, with or without build.

    ``fixed`` holds the nodes that are given; ``build`` is 0 when any build will do.
    """

    fixed: tuple[int, ...]
    build: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the pattern that a text says; raises VersionError."""
        match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            mend = "Write three numbers, the last of which may be x, like 1.0.0 or 1.x.x."
            raise VersionError(f"'{text[:_LONGEST]}' is not a version.", mend=mend)
        *nodes, build = match.groups()
        fixed = nodes[: nodes.index(WILDCARD)] if WILDCARD in nodes else nodes
        if any(node != WILDCARD for node in nodes[len(fixed) :]):
            mend = "Only the last nodes of a version can be open: 1.2.x, 1.x.x or x.x.x."
            raise VersionError(f"'{text}' has an x before a number.", mend=mend)
        if build and len(fixed) < len(nodes):
            raise VersionError(f"'{text}' has both an x and a build.", mend="Name the whole version, or no build.")
        numbers = tuple(int(node) for node in fixed)
        _check_nodes(text, (*numbers, int(build or 0)))
        return cls(numbers, int(build or 0))

    @property
    def is_open(self) -> bool:
        """Whether any node is an x."""
        return len(self.fixed) < 3  # noqa: PLR2004  # major, minor, patch

    def matches(self, version: Version) -> bool:
        """Return whether a version fits."""
        nodes = (version.major, version.minor, version.patch)
        return nodes[: len(self.fixed)] == self.fixed and self.build in {0, version.build}

    def resolve(self, versions: Iterable[Version]) -> Version | None:
        """Return the highest version that fits, and of it the highest build; None when none fits."""
        return max(filter(self.matches, versions), default=None)

    def next(self, versions: Iterable[Version]) -> Version:
        """Return the version that a new resource of this pattern gets.

        The first open node counts on from the highest there is, starting at 1, and the nodes after it are 0;
        a pattern without open nodes is that version. Raises VersionError when the highest has no next.
        """
        if not self.is_open:
            return Version(*self.fixed)
        place = len(self.fixed)
        taken = [(each.major, each.minor, each.patch)[place] for each in versions if self.matches(each)]
        nodes = (*self.fixed, max(taken, default=0) + 1, 0, 0)
        _check_nodes(f"the version after {'.'.join(map(str, (*self.fixed, max(taken, default=0))))}", nodes)
        return Version(*nodes[:3])

    def __str__(self) -> str:
        nodes = [*map(str, self.fixed), WILDCARD, WILDCARD, WILDCARD][:3]
        return f"{'.'.join(nodes)}{f'/{self.build}' if self.build else ''}"


def _check_nodes(text: str, nodes: tuple[int, ...]) -> None:
    if max(nodes, default=0) > MAX_NODE:
        raise VersionError(f"'{text}' has a number above {MAX_NODE}.", mend="Use smaller numbers.")
