"""An image as `docker save` writes it: a tar of manifest.json, a configuration and plain layers (docker-archive:)."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

from goldsmith.oci.blobs import CHUNK, CONFIG, LAYER, MANIFEST, Blob, Descriptor, OciError
from goldsmith.oci.image import OciImage, canonical, json_object
from goldsmith.oci.layout import add_file

if TYPE_CHECKING:
    from typing import BinaryIO

    from goldsmith.oci.layout import ArchiveFiles

MANIFEST_FILE = "manifest.json"


def write_docker_archive(image: OciImage, out: BinaryIO, *, name: str) -> None:
    """Write an image as a tar that `docker load` and `podman load` take; ``name`` is REPOSITORY:TAG."""
    layers = [f"{diff_id.partition(':')[2]}.tar" for diff_id in image.diff_ids]
    config = f"{image.config_blob.descriptor.digest.partition(':')[2]}.json"
    manifest = [{"Config": config, "RepoTags": [name], "Layers": layers}]
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        add_file(archive, config, image.config_blob)
        written: set[str] = set()
        for layer, path, opened in zip(image.layer_blobs, layers, image.layers, strict=True):
            if path not in written:
                with opened() as counted:
                    size = _length(counted)
                add_file(archive, path, Blob(layer.descriptor, opened), size)
                written.add(path)
        add_file(archive, MANIFEST_FILE, Blob.of("", canonical(manifest)))


def _length(stream: BinaryIO) -> int:
    length = 0
    while some := stream.read(CHUNK):
        length += len(some)
    return length


def read_docker_archive(files: ArchiveFiles, where: str, name: str = "") -> OciImage:
    """Return the image of an archive: of that name (REPOSITORY:TAG), or the only one. Raises OciError.

    Its layers are plain tars, so that it has another manifest than in a registry: one of ours.
    """
    entry = _entry(files.document(MANIFEST_FILE), where, name)
    content = files.document(entry["Config"])
    config = Blob.of(CONFIG, content)
    rootfs = json_object(content, f"The configuration of {where}").get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(entry["Layers"]):
        raise OciError(f"The configuration of {where} does not name its layers (rootfs.diff_ids).")
    layers = []
    for path, diff_id in zip(entry["Layers"], diff_ids, strict=True):
        _, size = files.section(path)
        described = Descriptor.read({"mediaType": LAYER, "digest": diff_id, "size": size}, where)
        layers.append(files.blob(path, described))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor.as_json(),
        "layers": [layer.descriptor.as_json() for layer in layers],
    }
    return OciImage(Blob.of(MANIFEST, canonical(manifest)), config, tuple(layers))


def _entry(content: bytes, where: str, name: str) -> dict[str, Any]:
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError):
        listed = None
    entries = [
        each
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict)
        and isinstance(each.get("Config"), str)
        and isinstance(each.get("Layers"), list)
        and all(isinstance(layer, str) for layer in each["Layers"])
    ]
    if name:
        entries = [each for each in entries if name in (each.get("RepoTags") or ())]
    if len(entries) != 1:
        raise OciError(
            f"{where} has {len(entries)} images{f' of the name {name}' if name else ''}.",
            mend="Save one image, or say which, after a colon behind the file: docker-archive:FILE:REPOSITORY:TAG.",
        )
    return entries[0]
