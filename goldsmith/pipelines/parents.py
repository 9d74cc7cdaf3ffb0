"""What a recipe's ``parentImage`` is now: an archive's state, a file, a container image or an image here, pinned."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageStore
from goldsmith.disks.containers import KINDS
from goldsmith.documents.parent_image import Bootstrap, CatalogueImage, ContainerImage, LocalFile, parse_parent_image
from goldsmith.oci.opened import opened_image
from goldsmith.oci.reference import Reference
from goldsmith.pipelines.plan import BootstrapParent, FileParent, OciParent
from goldsmith.pipelines.unresolved import UnresolvedError
from goldsmith.trees.archives import archive_states
from goldsmith.trees.bootstrap import FORMAT as BOOTSTRAP_FORMAT
from goldsmith.trees.distributions import debian

if TYPE_CHECKING:
    from goldsmith.catalog.images import Image
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import Parent


def pin_parent(text: str, folder: Path, home: Home) -> Parent:
    """Return the parent that a ``parentImage`` names, pinned as it is now; paths are relative to ``folder``."""
    parent = parse_parent_image(text)
    if isinstance(parent, Bootstrap):
        distribution = debian(parent.release)
        return BootstrapParent(distribution, archive_states(distribution.archives, home.archives), BOOTSTRAP_FORMAT)
    if isinstance(parent, LocalFile):
        file = (folder / Path(parent.path).expanduser()).resolve()
        return FileParent(file, parent.kind, _sha256(file), text)
    if isinstance(parent, ContainerImage):
        return pin_container(parent, folder, home)
    if isinstance(parent, CatalogueImage):
        store = ImageStore(home.images)
        image = store.find(f"{parent.name}/{parent.version}")
        return pin_baked(image, store.path(image), home)
    raise UnresolvedError(
        f"The parent image {text} is on AWS, and this host has no copy of it.",
        mend="Use debian/11, debian/12, debian/13, a disk or root archive, or an image of `goldsmith images`.",
    )


def pin_baked(image: Image, folder: Path, home: Home) -> FileParent | OciParent:
    """Return an image of this host as a parent: its disk, or its container image where its build wrote no disk."""
    disks = {disk.format: disk for disk in image.disks}
    disk = next((disks[kind] for kind in ("qcow2", "raw", *KINDS) if kind in disks), None)
    if disk:
        return FileParent(folder / disk.file, disk.format, disk.sha256, image.reference)
    for form, transport in (("oci", "oci-archive"), ("docker-archive", "docker-archive")):
        if form in disks:
            return pin_container(ContainerImage(transport, str(folder / disks[form].file)), folder, home)
    raise UnresolvedError(
        f"The image {image.reference} has no file that another can be made of.",
        mend="Build it again with --format qcow2 or oci.",
    )


def pin_container(parent: ContainerImage, folder: Path, home: Home, *, plain: bool = False) -> OciParent:
    """Return a container image of this architecture, pinned by its manifest's digest.

    ``plain`` is for a registry without TLS. Raises OciError and ReferenceFault.
    """
    written = parent.seen_from(folder.absolute())
    with opened_image(written, scratch=home.path, plain=plain) as image:
        image.require_architecture(written)
        digest = image.digest
    if parent.transport != "docker":
        return OciParent(written, digest, f"{parent.transport}:{parent.name}")
    reference = replace(Reference.parse(parent.name), tag="", digest=digest)
    return OciParent(f"oci://{reference}", digest, f"oci://{parent.name}", plain)


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as missing:
        raise UnresolvedError(
            f"The parent image {file} cannot be read: {missing.strerror}.", mend="Check the path."
        ) from missing
