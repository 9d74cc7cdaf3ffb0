"""An artifact: files in a registry that are no container image (OCI image specification 1.1, "Artifact Usage")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.oci.blobs import CONFIG, DOCKER_CONFIG, EMPTY, Blob, Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True)
class Artifact:
    """Files by their descriptors; their blobs can be read for as long as the context that gave it."""

    manifest_blob: Blob
    kind: str
    files: tuple[Blob, ...]

    @property
    def digest(self) -> str:
        """The digest of its manifest: what it is known by."""
        return self.manifest_blob.descriptor.digest


def title_of(file: Blob) -> str:
    """Return what an artifact calls a file, "" for nothing; it may be any text."""
    return file.descriptor.annotations.get(TITLE, "")


def is_artifact(document: Mapping[str, Any], config: Descriptor, layers: Sequence[Descriptor]) -> bool:
    """Tell an artifact's manifest from a container image's; ORAS before 1.0 wrote neither type nor empty configuration.

    What says of its configuration that it is an image's is one, whatever its layers are.
    """
    if config.media_type in {CONFIG, DOCKER_CONFIG}:
        return False
    typed = bool(document.get("artifactType")) or config.media_type not in {"", EMPTY}
    return typed or not all(layer.is_layer for layer in layers)


def artifact_kind(document: Mapping[str, Any], config: Descriptor) -> str:
    """Return an artifact's type: what its manifest says, or its configuration's."""
    return str(document.get("artifactType") or config.media_type)
