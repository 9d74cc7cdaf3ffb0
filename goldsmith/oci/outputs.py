"""The forms of a file that a container image can be written as, and what an image says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.oci.docker_archive import write_docker_archive
from goldsmith.oci.layout import write_oci_archive

if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    from goldsmith.oci.image import OciImage

    class Write(Protocol):
        """Writes an image to an open file; the same image and names give the same bytes."""

        def __call__(self, image: OciImage, out: BinaryIO, name: str, version: str) -> None:
            """Write it."""


@dataclass(frozen=True)
class ContainerFormat:
    """One row: what people call it, its file's suffix, what it is, and how it is written."""

    name: str
    suffix: str
    title: str
    write: Write


def _write_oci(image: OciImage, out: BinaryIO, name: str, version: str) -> None:  # noqa: ARG001 - every row's
    write_oci_archive(image, out, name=tag_of(version))


def _write_docker(image: OciImage, out: BinaryIO, name: str, version: str) -> None:
    write_docker_archive(image, out, name=f"{repository_of(name)}:{tag_of(version)}")


CONTAINER_FORMATS = {
    row.name: row
    for row in (
        ContainerFormat("oci", ".oci.tar", "a container image, an OCI archive", _write_oci),
        ContainerFormat("docker-archive", ".docker.tar", "a container image for docker load", _write_docker),
    )
}


def repository_of(name: str) -> str:
    """Return an image's name as a repository's, which has fewer characters."""
    parts = re.split(r"[^a-z0-9]+", name.lower())
    return "-".join(part for part in parts if part) or "image"


def tag_of(version: str) -> str:
    """Return a version as a tag, which has fewer characters; "latest" where there is none."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", version).lstrip(".-")[:128] or "latest"


def annotations_of(name: str, version: str, description: str, created: str) -> dict[str, str]:
    """Return what a manifest says (OCI image specification 1.1, annotations.md); what nobody knows is left out."""
    known = {"title": name, "version": version, "description": description, "created": created}
    return {f"org.opencontainers.image.{key}": value for key, value in known.items() if value}
