"""An image in a registry: as a container image, or its disk as an artifact, with its packages attached.

The disk is an artifact as ORAS has them (OCI image specification 1.1, "Guidelines for Artifact Usage"): `oras pull`
gives its file. The packages are a CycloneDX document in an artifact whose subject is the image (`oras discover`).
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.disks.formats import named
from goldsmith.oci.blobs import EMPTY, MANIFEST, Blob, OciError, file_blob
from goldsmith.oci.image import canonical
from goldsmith.oci.outputs import annotations_of
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import Repository, Sent
from goldsmith.publish.container import container_image
from goldsmith.publish.conversions import converted
from goldsmith.publish.sbom import CYCLONEDX, cyclonedx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Facts, Progress, Source

DISK = "application/vnd.goldsmith.disk.v1"
_TITLE = "org.opencontainers.image.title"
_NOTHING = Blob.of(EMPTY, b"{}")
_MEDIA_TYPES = {
    "raw": "application/x-raw-disk-image",
    "qcow2": "application/x-qemu-disk",
    "vmdk": "application/x-vmdk-disk",
    "vmdk-sparse": "application/x-vmdk-disk",
    "vhd": "application/x-vhd-disk",
    "vhdx": "application/x-vhdx-disk",
    "ova": "application/x-virtualbox-ova",
    "raw.xz": "application/x-raw-disk-image-xz-compressed",
    "raw.zst": "application/zstd",
    "root-tar": "application/zstd",
}
"""What freedesktop.org's shared-mime-info calls them; all others are application/octet-stream."""


@dataclass(frozen=True)
class PublishedReference:
    """An image that is in a registry, or would be: ``reference`` is HOST/REPOSITORY:TAG, ``digest`` its manifest's.

    ``sent`` bytes went over the wire in this run (or would), ``skipped`` were there already. ``referrer`` is the
    digest of the artifact with its packages, "" where those are not known.
    """

    reference: str
    digest: str
    sent: int
    skipped: int
    referrer: str
    dry_run: bool = False

    @property
    def pinned(self) -> str:
        """The name that stays this image's: HOST/REPOSITORY@DIGEST."""
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


def publish_image(
    source: Source,
    reference: str,
    *,
    scratch: Path,
    mount_from: str = "",
    plain_http: bool = False,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> PublishedReference:
    """Push an image's container image to ``reference``, ``[oci://]HOST/REPOSITORY:TAG``, with its packages.

    It is the one that the build wrote, or else one layer of the disk's root file system. ``scratch`` is a folder with
    room for it, ``mount_from`` another repository of the registry that may have its layers. ``progress`` hears (bytes
    sent or found there, of how many). What the registry has is not sent; an upload that was cut goes on where it was.
    Raises OciError, ReferenceFault and DiskError.
    """
    place = _place(reference)
    with container_image(source, scratch) as image, Repository(place, plain=plain_http) as repository:
        push = _Push(repository, mount_from, progress, dry_run=dry_run)
        return push.published(image.manifest_blob, image.blobs, source.facts, container=True)


def publish_disk(
    source: Source,
    reference: str,
    form: str = "qcow2",
    *,
    home: Home,
    mount_from: str = "",
    plain_http: bool = False,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> PublishedReference:
    """Push an image's disk in a format of disks as an artifact of one file; all else is as with `publish_image`."""
    place = _place(reference)
    facts = source.facts
    with _disk(source, form, home, reference) as blob, Repository(place, plain=plain_http) as repository:
        manifest = _manifest(
            DISK, blob, annotations_of(facts.name, facts.version, facts.description, facts.created), subject=None
        )
        push = _Push(repository, mount_from, progress, dry_run=dry_run)
        return push.published(manifest, (_NOTHING, blob), facts, container=False)


class _Push:
    """One push to a repository; with ``dry_run`` everything but the sending."""

    def __init__(self, repository: Repository, mount_from: str, progress: Progress | None, *, dry_run: bool) -> None:
        self._repository = repository
        self._mount_from = mount_from
        self._progress = progress
        self._dry_run = dry_run
        self._told = Sent()

    def published(self, manifest: Blob, blobs: Sequence[Blob], facts: Facts, *, container: bool) -> PublishedReference:
        """Send blobs, then the manifest, then what refers to it: nobody sees one without what it names."""
        digest, tag = manifest.descriptor.digest, self._repository.reference.tag
        documents: tuple[Blob, ...] = ()
        referring: Blob | None = None
        if facts.packages:
            document = Blob.of(
                CYCLONEDX, cyclonedx(facts, digest, container=container), {_TITLE: f"{facts.name}.cdx.json"}
            )
            documents = (_NOTHING, document)
            said = {"org.opencontainers.image.created": facts.created} if facts.created else {}
            referring = _manifest(CYCLONEDX, document, said, subject=manifest)
        wanted = {each.descriptor.digest: each for each in (*blobs, *documents)}
        self._send(list(wanted.values()))
        tagged = self._repository.manifest(tag)
        there = tagged is not None and tagged.descriptor.digest == digest
        self._count(manifest, there=there)
        if not there and not self._dry_run:
            self._repository.push_manifest(manifest, tag)
        if referring:
            listed = {each.digest for each in self._repository.referrers(digest)}
            there = referring.descriptor.digest in listed
            self._count(referring, there=there)
            if not there and not self._dry_run:
                self._repository.refer(digest, referring)
        return PublishedReference(
            str(self._repository.reference),
            digest,
            self._told.sent,
            self._told.skipped,
            referring.descriptor.digest if referring else "",
            self._dry_run,
        )

    def _send(self, blobs: Sequence[Blob]) -> None:
        total = sum(blob.descriptor.size for blob in blobs)
        done = 0

        def hear(at: int, _: int) -> None:
            if self._progress:
                self._progress(done + at, total)

        for blob in blobs:
            if self._dry_run:
                self._count(blob, there=self._repository.has(blob.descriptor.digest))
            else:
                self._repository.push_blob(blob, self._told, source=self._mount_from, progress=hear)
            done += blob.descriptor.size
            hear(0, 0)

    def _count(self, blob: Blob, *, there: bool) -> None:
        if there:
            self._told.skipped += blob.descriptor.size
        else:
            self._told.sent += blob.descriptor.size


def _place(reference: str) -> Reference:
    place = Reference.parse(reference)
    if place.digest:
        raise OciError(
            f"{place} names an image by its digest, and what is pushed has its own.", mend="Write REPOSITORY:TAG."
        )
    return place


def _manifest(kind: str, blob: Blob, annotations: dict[str, str], *, subject: Blob | None) -> Blob:
    """Return the manifest of an artifact of one file."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": _NOTHING.descriptor.as_json(),
        "layers": [blob.descriptor.as_json()],
        "annotations": annotations,
        **({"subject": subject.descriptor.as_json()} if subject else {}),
    }
    return Blob.of(MANIFEST, canonical(document))


@contextmanager
def _disk(source: Source, form: str, home: Home, reference: str) -> Iterator[Blob]:
    """Give the disk in a format as a blob."""
    with converted(source, form, home, reference) as file, _file(file, form, source.facts.name) as blob:
        yield blob


@contextmanager
def _file(path: Path, form: str, name: str) -> Iterator[Blob]:
    title = f"{name}{named(form).suffix}"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        kind = _MEDIA_TYPES.get(form, "application/octet-stream")
        yield file_blob(kind, f"sha256:{digest}", file.fileno(), 0, size, annotations={_TITLE: title})
