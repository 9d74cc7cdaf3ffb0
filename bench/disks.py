"""What a finished disk holds, read without mounting it, so that every contestant is known to have done the work."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.workload import PAGE_PATH

if TYPE_CHECKING:
    from pathlib import Path

SECTOR = 512
LINUX = ("0fc63daf-8483-4772-8e79-3d69d8477de4", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709")


@dataclass(frozen=True)
class DiskContents:
    """The packages that dpkg calls installed with their versions, the page, and whether there is a kernel."""

    packages: dict[str, str]
    page: str
    kernel: str

    def compared_with(self, other: DiskContents) -> str:
        """Say how the packages differ from another disk's."""
        more = sorted(self.packages.keys() - other.packages.keys())
        less = sorted(other.packages.keys() - self.packages.keys())
        versions = sorted(
            name for name in self.packages.keys() & other.packages.keys() if self.packages[name] != other.packages[name]
        )
        words = [f"{len(self.packages)} packages"]
        words += [f"more: {', '.join(more)}"] if more else []
        words += [f"less: {', '.join(less)}"] if less else []
        words += [f"other versions: {', '.join(versions)}"] if versions else []
        return "; ".join(words if len(words) > 1 else [*words, "the same"])


def look_into(disk: Path, memory: Path) -> DiskContents:
    """Read a qcow2 by way of a raw copy in ``memory``; raise ValueError when it is not a disk that could boot."""
    with tempfile.NamedTemporaryFile(dir=memory, prefix="goldsmith-bench-look-") as raw:
        _run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(disk), raw.name)
        table = json.loads(_run("sfdisk", "--json", raw.name))["partitiontable"]["partitions"]
        root = max((each for each in table if each["type"].lower() in LINUX), key=lambda each: each["size"])
        place = f"{raw.name}?offset={root['start'] * SECTOR}"

        def read(path: str) -> str:
            return _run("debugfs", "-R", f"cat {path}", place)

        kernels = re.findall(r"vmlinuz-\S+", _run("debugfs", "-R", "ls /boot", place))
        if not kernels:
            modules = re.findall(r"\d\.\d+\.\d+\S*amd64", _run("debugfs", "-R", "ls /usr/lib/modules", place))
            kernels = [f"vmlinuz of {modules[0]} on the ESP"] if modules else []
        contents = DiskContents(_installed(read("/var/lib/dpkg/status")), read(PAGE_PATH).strip(), "".join(kernels[:1]))
    if "nginx" not in contents.packages or not contents.kernel or not contents.page:
        raise ValueError(f"{disk} lacks nginx, its page or a kernel: {contents.kernel!r}, {contents.page!r}")
    return contents


def _installed(status: str) -> dict[str, str]:
    paragraphs = (dict(re.findall(r"^(\S+): (.*)$", each, re.MULTILINE)) for each in status.split("\n\n"))
    return {each["Package"]: each["Version"] for each in paragraphs if each.get("Status", "").endswith(" installed")}


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, errors="replace").stdout
