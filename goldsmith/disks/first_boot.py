"""Whether cloud-init of a disk from elsewhere will make a machine its own.

Source: cloud-init's ds-identify.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.lookup import LARGEST_TEXT, find, names, read
from goldsmith.disks.findings import Finding, printable

if TYPE_CHECKING:
    from goldsmith.disks.ext4.reader import FileSystem

_MOST_FILES = 256


def has_cloud_init(root: FileSystem, findings: list[Finding]) -> bool:
    """Return whether it is there, turned on and looks for Ec2; say what is amiss where not."""
    if find(root, "/usr/bin/cloud-init") is None:
        findings.append(
            Finding(
                "warning",
                "It has no cloud-init: instances get no keys, no names and no user data.",
                "Install cloud-init in it.",
            )
        )
        return False
    if find(root, "/etc/cloud/cloud-init.disabled") is not None:
        findings.append(Finding("warning", "Its cloud-init is turned off.", "Remove /etc/cloud/cloud-init.disabled."))
        return False
    sources = _data_sources(root)
    if sources and "ec2" not in sources:
        findings.append(
            Finding(
                "warning",
                f"Its cloud-init does not look for Ec2: {printable(', '.join(sources))}.",
                "Add Ec2 to datasource_list.",
            )
        )
        return False
    return True


def _data_sources(root: FileSystem) -> list[str]:
    """Return the data sources that cloud-init is told to look for, in small letters; none for all."""
    folder = "/etc/cloud/cloud.cfg.d"
    configured = sorted(
        printable(name.decode(errors="replace")) for name in names(root, find(root, folder)) if name.endswith(b".cfg")
    )
    said = ""
    for path in ["/etc/cloud/cloud.cfg", *(f"{folder}/{name}" for name in configured[:_MOST_FILES])]:
        text = read(root, path, LARGEST_TEXT).decode(errors="replace")
        for match in re.finditer(r"^datasource_list:\s*\[([^\]]*)\]", text, re.MULTILINE):
            said = match[1]
    return [word.strip(" '\"\n").lower() for word in said.split(",") if word.strip()]
