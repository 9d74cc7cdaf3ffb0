"""A disk for OpenStack's Glance: the qcow2, its properties for POST /v2/images, and the command that sends it.

Names and values: glance, etc/metadefs/compute-libvirt-image.json and glance-common-image-props.json; nova,
objects/fields.py (Architecture); the Image API's "Create image", where min_disk is in GiB and min_ram in MiB.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from typing import TYPE_CHECKING

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.bundle import staging, write_bundle
from goldsmith.disks.plan import GIB
from goldsmith.disks.qcow2 import write_qcow2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

_LEAST_MEMORY = 512
_ARM = {"architecture": "aarch64", "hw_machine_type": "virt"}
"""What Nova calls arm64, and its machine."""


def write_glance(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write disk.qcow2, image.json, create.sh and SHA512SUMS as one tar; on failure leave no output.

    The sum is what Glance shows as os_hash_value (os_hash_algo sha512) when the upload is whole.
    """
    with staging(output) as folder:
        disk = folder / "disk.qcow2"
        write_qcow2(raw, disk, packing=packing, progress=progress)
        with disk.open("rb") as file:
            digest = hashlib.file_digest(file, "sha512").hexdigest()
        image = properties(about, raw.stat().st_size)
        members: dict[str, bytes | Path] = {
            "image.json": f"{json.dumps(image, indent=2)}\n".encode(),
            "create.sh": command(image).encode(),
            "SHA512SUMS": f"{digest}  disk.qcow2\n".encode(),
            "disk.qcow2": disk,
        }
        write_bundle(output, members, about.epoch)


def properties(about: About, size: int) -> dict[str, str | int]:
    """Return the image's properties as the body of POST /v2/images; ``size`` is the disk's in bytes."""
    distribution, _, release = about.distribution.partition("/")
    found: dict[str, str | int] = {
        "name": f"{about.name}-{about.version}" if about.version else about.name,
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": -(-size // GIB),
        "min_ram": _LEAST_MEMORY,
        "architecture": about.architecture,
        "hw_disk_bus": "virtio",
        "hw_firmware_type": "bios" if about.boot_mode == "legacy-bios" else "uefi",
        "hw_machine_type": "q35",
        "hw_rng_model": "virtio",
        "hw_vif_model": "virtio",
        "os_type": "linux",
    }
    if about.architecture == "arm64":
        found |= _ARM
    more = {"os_distro": distribution, "os_version": release, "description": about.description}
    return found | {key: value for key, value in more.items() if value}


def command(image: dict[str, str | int]) -> str:
    """Return a shell script that creates the image with the OpenStack client, in the folder of disk.qcow2."""
    own = {"name", "disk_format", "container_format", "min_disk", "min_ram"}
    argv = ["openstack", "image", "create", "--disk-format", "qcow2", "--container-format", "bare"]
    argv += ["--min-disk", str(image["min_disk"]), "--min-ram", str(image["min_ram"]), "--file", "disk.qcow2"]
    for key, value in image.items():
        if key not in own:
            argv += ["--property", f"{key}={value}"]
    return f"#!/bin/sh\n{shlex.join([*argv, str(image['name'])])}\n"
