"""A disk as a Vagrant box for libvirt: what the machine is, its qcow2 and the defaults of its Vagrantfile, in one tar.

Format: Vagrant's "Box File Format" and "Box Info Format", and vagrant-libvirt's example_box/README.md, whose
virtual_size is in GiB. The image has no user `vagrant` with Vagrant's public key, as boxes for trying out have: the
Vagrantfile names the image's own user, and cloud-init gives that user a key.
"""

from __future__ import annotations

import json
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

_VAGRANTFILE = """\
Vagrant.configure("2") do |config|
  config.ssh.username = "{user}"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = "kvm"
    libvirt.disk_bus = "virtio"
    libvirt.nic_model_type = "virtio"
    libvirt.machine_type = "q35"
  end
end
"""
_USERS = {"ubuntu": "ubuntu", "fedora": "fedora"}


def write_box(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the box; on failure leave no output."""
    with staging(output) as folder:
        image = folder / "box.img"
        write_qcow2(raw, image, packing=packing, progress=progress)
        metadata = {"provider": "libvirt", "format": "qcow2", "virtual_size": -(-raw.stat().st_size // GIB)}
        info = {"name": about.name, "version": about.version, "description": about.description}
        user = _USERS.get(about.distribution.partition("/")[0], "admin")
        members: dict[str, bytes | Path] = {
            "metadata.json": _json(metadata),
            "info.json": _json({key: value for key, value in info.items() if value}),
            "Vagrantfile": _VAGRANTFILE.format(user=user).encode(),
            "box.img": image,
        }
        write_bundle(output, members, about.epoch)


def _json(value: object) -> bytes:
    return f"{json.dumps(value, indent=2)}\n".encode()
