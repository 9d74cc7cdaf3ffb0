"""A container image: its manifest, its configuration and its layers, wherever they lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from goldsmith.oci.artifact import Artifact, artifact_kind, is_artifact
from goldsmith.oci.blobs import CONFIG, DOCKER_INDEX, INDEX, MANIFEST, Blob, Descriptor, OciError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

ARCHITECTURE = "amd64"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class OciImage:
    """An image; its blobs can be read for as long as the context that gave it."""

    manifest_blob: Blob
    config_blob: Blob
    layer_blobs: tuple[Blob, ...]

    @property
    def digest(self) -> str:
        """The digest of its manifest: what it is known by."""
        return self.manifest_blob.descriptor.digest

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest, verified."""
        return json_object(self.manifest_blob.read(), "The manifest")

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration, verified."""
        return json_object(self.config_blob.read(), "The configuration")

    @cached_property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the layers' tars, from the bottom up. Raises OciError where they are not the layers'."""
        rootfs = self.config.get("rootfs")
        found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(found, list) or len(found) != len(self.layer_blobs):
            raise OciError("The image's configuration does not name the tars of its layers (rootfs.diff_ids).")
        return tuple(map(str, found))

    def require_architecture(self, where: str) -> None:
        """Raise OciError for an image whose programs do not run here; what says nothing is taken for one that does."""
        system, architecture = self.config.get("os") or "linux", self.config.get("architecture") or ARCHITECTURE
        if (system, architecture) != ("linux", ARCHITECTURE):
            raise OciError(
                f"{where} is an image for {str(system)[:40]}/{str(architecture)[:40]}, and here it is to be"
                f" linux/{ARCHITECTURE}.",
                mend="Name an image that has one.",
            )

    @property
    def layers(self) -> list[Callable[[], BinaryIO]]:
        """Each layer's tar, unpacked, from the bottom up.

        Reading the end of one raises OciError when any byte was not the promised one.
        """
        pairs = zip(self.layer_blobs, self.diff_ids, strict=True)
        return [partial(blob.unpacked, diff_id) for blob, diff_id in pairs]

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """All but the manifest, each once."""
        found = {blob.descriptor.digest: blob for blob in (self.config_blob, *self.layer_blobs)}
        return tuple(found.values())


@dataclass(frozen=True)
class NewLayer:
    """A layer that was made: its blob, the digest of its tar, and what made it."""

    blob: Blob
    diff_id: str
    title: str


@dataclass(frozen=True)
class About:
    """What an image says of itself: ``created`` is its time, RFC 3339; annotations are the manifest's, labels not."""

    created: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def made_image(layers: Sequence[NewLayer], about: About) -> OciImage:
    """Return the image of layers from the bottom up; the same in gives the same digest out."""
    config = {
        "created": about.created,
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": {"Env": [PATH], "Cmd": ["/bin/bash"], "Labels": dict(sorted(about.labels.items()))},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": about.created, "created_by": layer.title, "comment": "goldsmith"} for layer in layers],
    }
    config_blob = Blob.of(CONFIG, canonical(config))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config_blob.descriptor.as_json(),
        "layers": [layer.blob.descriptor.as_json() for layer in layers],
        "annotations": dict(sorted(about.annotations.items())),
    }
    return OciImage(Blob.of(MANIFEST, canonical(manifest)), config_blob, tuple(layer.blob for layer in layers))


def chosen_manifest(index: Mapping[str, Any], where: str, name: str = "") -> Descriptor:
    """Return the one of an index's manifests that is meant: of that name, or for this architecture.

    Raises OciError with what there is instead.
    """
    listed = [each for each in index.get("manifests") or () if isinstance(each, dict)]
    found = [(Descriptor.read(each, where), each.get("platform") or {}) for each in listed]
    if name:
        found = [(each, platform) for each, platform in found if each.annotations.get(REF_NAME) == name]
    fitting = [
        each
        for each, platform in found
        if not platform or (platform.get("os"), platform.get("architecture")) == ("linux", ARCHITECTURE)
    ]
    if len({each.digest for each in fitting}) == 1:
        return fitting[0]
    if not fitting:
        there = sorted(f"{platform.get('os')}/{platform.get('architecture')}" for _, platform in found)
        named = f" of the name {name!r}" if name else ""
        raise OciError(
            f"{where} has no image{named} for linux/{ARCHITECTURE}."
            + (f" It has {', '.join(there)}." if there else ""),
            mend="Name an image that has one.",
        )
    names = sorted(each.annotations.get(REF_NAME, each.digest) for each in fitting)
    raise OciError(
        f"{where} has {len(fitting)} images: {', '.join(names)[:500]}.",
        mend="Say which, after a colon behind the file.",
    )


def is_index(descriptor_type: str, document: Mapping[str, Any]) -> bool:
    """Tell an index of several images from a manifest; documents of before the specification name no type."""
    return descriptor_type.partition(";")[0] in {INDEX, DOCKER_INDEX} or (
        "manifests" in document and "layers" not in document
    )


def json_object(content: bytes, what: str) -> dict[str, Any]:
    """Return a document. Raises OciError, naming it, for what is no JSON object."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise OciError(f"{what} is no JSON object.", mend="It is damaged, or comes from something else than you mean.")
    return value


def canonical(value: Any) -> bytes:
    """Return the JSON that is always the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def content_of(manifest: Blob, blob: Callable[[Descriptor], Blob], where: str) -> OciImage | Artifact:
    """Return the image or artifact of a manifest whose blobs ``blob`` finds. Raises OciError when it is of neither."""
    document = json_object(manifest.read(), f"The manifest of {where}")
    listed = document.get("layers")
    if not isinstance(listed, list) or document.get("schemaVersion") != 2:  # noqa: PLR2004 - the specification's
        raise OciError(
            f"The manifest of {where} is of no form that is known here; Docker's first (schema 1) is not read.",
            mend="Push the image again with a tool of today.",
        )
    layers = [Descriptor.read(each, f"The manifest of {where}") for each in listed]
    config = Descriptor.read(document.get("config"), f"The manifest of {where}")
    if is_artifact(document, config, layers):
        return Artifact(manifest, artifact_kind(document, config), tuple(blob(each) for each in layers))
    for layer in layers:
        _ = layer.compression
    return OciImage(manifest, blob(config), tuple(blob(each) for each in layers))
