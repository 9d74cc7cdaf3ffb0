"""What a system says of itself in its own files."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from goldsmith.pipelines.builders.instance import Inventory
from goldsmith.trees.inventory import installed
from goldsmith.trees.scan.files import read_small

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = ("/etc/os-release", "/usr/lib/os-release")
LARGEST = 64 << 10


def read_inventory(root: Path) -> Inventory:
    """Return the inventory of the tree at ``root``, which the caller has changed its root to."""
    tree = "" if str(root) == "/" else str(root)
    text = next(filter(None, (read_small(tree, path, LARGEST) for path in RELEASES)), b"").decode(errors="replace")
    found = tuple({"packageName": each.name, "packageVersion": each.version} for each in installed(root))
    return Inventory(os_version(text), found)


def os_version(text: str) -> str:
    """Return the name and version that os-release(5) tells, as Image Builder writes them: "Debian 12"."""
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        try:
            fields[name.strip()] = "".join(shlex.split(value))
        except ValueError:
            continue
    name = fields.get("NAME", "").removesuffix(" GNU/Linux") or fields.get("ID", "").capitalize()
    return f"{name} {fields.get('VERSION_ID', '')}".strip()
