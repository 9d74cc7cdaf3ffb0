"""What is installed in a tree: packages, their versions, sources and licences, read from dpkg's own files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from goldsmith.trees.scan.files import is_real_folder, read_small

if TYPE_CHECKING:
    from collections.abc import Iterable

DATABASE = "/var/lib/dpkg"
DOCUMENTATION = "/usr/share/doc"
LARGEST_STATUS = 256 << 20
LARGEST_COPYRIGHT = 4 << 20
LINKS = 4
"""How many links a documentation folder may be away; Debian's packages use one."""

_STANZA = re.compile(r"\n(?:[ \t]*\n)+")
_FIELD = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", re.MULTILINE)
_MACHINE_READABLE = re.compile(r"\A\s*Format(?:-Specification)?:", re.IGNORECASE)
_LICENCE = re.compile(r"^License:[ \t]*([^\s].*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_SOURCE = re.compile(r"^(\S+)(?:\s+\((\S+)\))?$")


@dataclass(frozen=True, order=True)
class Package:
    """An installed package, as dpkg knows it; ``licences`` are the short names in its copyright file, if any."""

    name: str
    architecture: str
    version: str
    source: str = ""
    source_version: str = ""
    licences: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Change:
    """A package that came, went, or has another version; ``before`` or ``after`` is "" where it was not there."""

    name: str
    architecture: str
    before: str
    after: str

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What happened to the package."""
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"

    def __str__(self) -> str:
        return f"{self.name} {self.before or '(none)'} → {self.after or '(none)'}"


def packages(root: Path) -> tuple[Package, ...]:
    """Return the packages installed in the tree at ``root``, with licences, ordered by name.

    Run it inside a chroot to be safe from the tree's links. A tree of another package manager has none here:
    ``has_dpkg`` tells it from an empty one.
    """
    found = installed(root)
    known = licences(root, found)
    return tuple(replace(package, licences=known.get(package.name, ())) for package in found)


def has_dpkg(root: Path) -> bool:
    """Whether the tree keeps a dpkg database, so that an empty inventory means no packages."""
    return is_real_folder(_tree(root), DATABASE)


def installed(root: Path) -> tuple[Package, ...]:
    """Return the installed packages without licences, which takes one file (its format: deb-control(5), dpkg(1))."""
    text = read_small(_tree(root), f"{DATABASE}/status", LARGEST_STATUS).decode(errors="replace")
    found = (_package(stanza) for stanza in _STANZA.split(text))
    return tuple(sorted(package for package in found if package))


def licences(root: Path, found: Iterable[Package]) -> dict[str, tuple[str, ...]]:
    """Return the licences of each package that has a machine-readable /usr/share/doc/NAME/copyright.

    The format is Debian's "Machine-readable debian/copyright file", 1.0; of a file in any other form nothing is said.
    A documentation folder that is a link to another package's is followed by name, within /usr/share/doc.
    """
    tree = _tree(root)
    read: dict[str, tuple[str, ...]] = {}
    known = {}
    for name in sorted({package.name for package in found}):
        folder = _documentation(tree, name)
        if folder not in read:
            read[folder] = _licences_in(tree, folder)
        if read[folder]:
            known[name] = read[folder]
    return known


def changed_packages(before: Iterable[Package], after: Iterable[Package]) -> tuple[Change, ...]:
    """Return what differs between two inventories, ordered by name."""
    old = {(package.name, package.architecture): package.version for package in before}
    new = {(package.name, package.architecture): package.version for package in after}
    changes = (Change(*key, old.get(key, ""), new.get(key, "")) for key in old.keys() | new.keys())
    return tuple(sorted(change for change in changes if change.before != change.after))


def _tree(root: Path) -> str:
    return "" if str(root) == "/" else str(root)


def _package(stanza: str) -> Package | None:
    fields = {name.lower(): value.strip() for name, value in _FIELD.findall(stanza)}
    name, version = fields.get("package", ""), fields.get("version", "")
    if fields.get("status", "").split()[-1:] != ["installed"] or not name or not version:
        return None
    source = _SOURCE.match(fields.get("source", ""))
    return Package(
        name=name,
        architecture=fields.get("architecture", ""),
        version=version,
        source=source[1] if source else name,
        source_version=(source[2] if source else None) or version,
    )


def _documentation(tree: str, name: str) -> str:
    """Return the name of the folder in /usr/share/doc that a package's documentation is in."""
    for _ in range(LINKS):
        try:
            target = str(Path(f"{tree}{DOCUMENTATION}/{name}").readlink())
        except (OSError, ValueError):
            break
        if "/" in target or target in {"", ".", ".."}:
            break
        name = target
    return name


def _licences_in(tree: str, folder: str) -> tuple[str, ...]:
    if "/" in folder or "\0" in folder or folder in {"", ".", ".."}:
        return ()
    text = read_small(tree, f"{DOCUMENTATION}/{folder}/copyright", LARGEST_COPYRIGHT).decode(errors="replace")
    if not _MACHINE_READABLE.match(text):
        return ()
    return tuple(sorted(set(_LICENCE.findall(text))))
