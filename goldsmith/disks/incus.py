"""A disk for Incus: a simplestreams tree to be served as it is, which offers the image as a machine and a container.

Layout: incus, shared/simplestreams/products.go and cmd/incus-simplestreams/main_add.go; metadata.yaml and templates:
Incus's "Image format". A combined sum is the SHA-256 of the metadata's bytes followed by the root's: Incus's
fingerprint.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import re
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import yaml

from goldsmith.disks.about import NOTHING_KNOWN
from goldsmith.disks.bundle import staging, write_bundle
from goldsmith.disks.ext4.lookup import LARGEST_TEXT, read
from goldsmith.disks.qcow2 import write_qcow2
from goldsmith.disks.reading import root_files
from goldsmith.disks.squashfs import write_squashfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from goldsmith.disks.about import About
    from goldsmith.disks.packing import Packing

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_META = "incus.tar.xz"
_REQUIREMENTS = {"secureboot": "false"}
_SEED = "/var/lib/cloud/seed/nocloud-net"
_NOTHING = "#cloud-config\n{}"
_NETWORK = """\
{% if config_get("cloud-init.network-config", "") %}{{ config_get("cloud-init.network-config", "") }}
{% else %}version: 2
ethernets:
  {% if instance.type == "virtual-machine" %}enp5s0{% else %}eth0{% endif %}: {dhcp4: true}
{% endif %}"""
_ROOTS = {"disk-kvm.img": ("disk.qcow2", "disk-kvm-img"), "squashfs": ("rootfs.squashfs", "squashfs")}
"""A root's ftype, its file's name, and its part in the name of the combined sum."""


def write_incus(
    raw: Path,
    output: Path,
    *,
    about: About = NOTHING_KNOWN,
    reuse: Path | None = None,  # noqa: ARG001 - the signature of every format
    packing: Packing | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the tree as one tar: streams/v1/index.json, streams/v1/images.json and the images' files.

    Raises DiskError where the disk has no root that can be read, HostToolMissingError without mksquashfs; then no
    output is left.
    """
    with staging(output) as folder:
        roots = {ftype: folder / name for ftype, (name, _) in _ROOTS.items()}
        write_qcow2(raw, roots["disk-kvm.img"], packing=packing, progress=progress)
        write_squashfs(raw, roots["squashfs"])
        with root_files(raw) as files:
            fstab = read(files, "/etc/fstab", LARGEST_TEXT).decode(errors="replace")
        meta = metadata(about, fstab)
        home = f"images/{_words(about)['name']}/{serial(about)}"
        members: dict[str, bytes | Path] = {
            "streams/v1/index.json": _json(index(about)),
            "streams/v1/images.json": _json(images(about, meta, roots)),
            f"{home}/{_META}": meta,
            **{f"{home}/{file.name}": file for file in roots.values()},
        }
        write_bundle(output, members, about.epoch)


def metadata(about: About, fstab: str = "") -> bytes:
    """Return incus.tar.xz: an archive with metadata.yaml and templates; ``fstab`` is the disk's own."""
    words, templates = _words(about), _templates(fstab)
    described = {
        "architecture": about.architecture,
        "creation_date": int(_moment(about).timestamp()),
        "properties": {
            "architecture": words["arch"],
            "description": about.description or f"{about.name} {about.version}".strip(),
            "name": words["name"],
            "os": words["os"],
            "release": words["release"],
            "serial": serial(about),
            "variant": words["name"],
            **{f"requirements.{name}": value for name, value in _REQUIREMENTS.items()},
        },
        "templates": {
            path: {"when": ["create", "copy"], "template": _file(path), "properties": {"default": default}}
            for path, (_, default) in templates.items()
        },
    }
    members = {"metadata.yaml": yaml.safe_dump(described)}
    members |= {f"templates/{_file(path)}": text for path, (text, _) in templates.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in members.items():
            content = text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o644, about.epoch
            archive.addfile(info, io.BytesIO(content))
    return lzma.compress(packed.getvalue())


def _templates(fstab: str) -> dict[str, tuple[str, str]]:
    """Return what Incus writes before the first start, by path: the template and its properties.default.

    Those are cloud-init's data source NoCloud, and no fstab in a container, which would wait for the disk's file
    systems. What the image brings stands in properties alone, which are no template.
    """
    return {
        "/etc/hostname": ("{{ instance.name }}\n", ""),
        "/etc/fstab": ('{% if instance.type == "virtual-machine" %}{{ properties.default }}{% endif %}', fstab),
        f"{_SEED}/meta-data": ("instance-id: {{ instance.name }}\nlocal-hostname: {{ instance.name }}\n", ""),
        f"{_SEED}/user-data": ('{{ config_get("cloud-init.user-data", properties.default) }}\n', _NOTHING),
        f"{_SEED}/vendor-data": ('{{ config_get("cloud-init.vendor-data", properties.default) }}\n', _NOTHING),
        f"{_SEED}/network-config": (_NETWORK, ""),
    }


def _file(path: str) -> str:
    return f"{path.rpartition('/')[2]}.tpl"


def index(about: About) -> dict[str, object]:
    """Return index.json: where the products are listed, and which there are."""
    listed = {"datatype": "image-downloads", "path": "streams/v1/images.json", "format": "products:1.0"}
    return {"format": "index:1.0", "index": {"images": {**listed, "products": [_product(about)]}}}


def images(about: About, meta: bytes, roots: Mapping[str, Path]) -> dict[str, object]:
    """Return images.json: the product with this version, its files with their sums; ``roots`` by their ftype."""
    words = _words(about)
    home = f"images/{words['name']}/{serial(about)}"
    first: dict[str, object] = {
        "ftype": _META,
        "sha256": hashlib.sha256(meta).hexdigest(),
        "size": len(meta),
        "path": f"{home}/{_META}",
    }
    items: dict[str, dict[str, object]] = {_META: first}
    for ftype, file in roots.items():
        own, combined = hashlib.sha256(), hashlib.sha256(meta)
        with file.open("rb") as data:
            while chunk := data.read(1 << 20):
                own.update(chunk)
                combined.update(chunk)
        first[f"combined_{_ROOTS[ftype][1]}_sha256"] = combined.hexdigest()
        items[ftype] = {
            "ftype": ftype,
            "sha256": own.hexdigest(),
            "size": file.stat().st_size,
            "path": f"{home}/{file.name}",
        }
    product = {
        "aliases": f"{words['name']},{words['os'].lower()}/{words['release']}/{words['name']}",
        "arch": words["arch"],
        "os": words["os"],
        "release": words["release"],
        "release_title": " ".join(filter(None, (words["release"], about.name, about.version))),
        "variant": words["name"],
        "requirements": _REQUIREMENTS,
        "versions": {serial(about): {"items": items}},
    }
    return {
        "content_id": "images",
        "datatype": "image-downloads",
        "format": "products:1.0",
        "products": {_product(about): product},
    }


def serial(about: About) -> str:
    """Return the version's name: Incus reads a date from its first eight digits and takes the latest."""
    return _moment(about).strftime("%Y%m%d%H%M")


def _moment(about: About) -> datetime:
    return datetime.fromisoformat(about.created) if about.created else datetime.fromtimestamp(about.epoch, UTC)


def _words(about: About) -> dict[str, str]:
    """Return what the tree calls the image: names that may stand in a path and in an alias."""
    distribution, _, release = about.distribution.partition("/")
    return {
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", about.name).strip(".-") or "disk",
        "os": distribution.capitalize() or "Linux",
        "release": release or "current",
        "arch": _ARCHITECTURES.get(about.architecture, about.architecture),
    }


def _product(about: About) -> str:
    words = _words(about)
    return f"{words['os']}:{words['release']}:{words['name']}:{words['arch']}"


def _json(value: object) -> bytes:
    return f"{json.dumps(value, indent=2)}\n".encode()
