"""An image in a registry: as a container image, or its disk as an artifact, with its packages attached.

The disk is an artifact as ORAS has them (OCI image specification 1.1, "Guidelines for Artifact Usage"): `oras pull`
gives its file. The packages are a CycloneDX document in an artifact whose subject is the image (`oras discover`).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.oci.artifact import TITLE
from goldsmith.oci.blobs import EMPTY, MANIFEST, Blob, OciError
from goldsmith.oci.image import canonical
from goldsmith.oci.outputs import annotations_of
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import Repository, Sent
from goldsmith.publish.container import container_image, known_image, remember_image
from goldsmith.publish.conversions import discard
from goldsmith.publish.disk_blob import disk_blob, known_disk
from goldsmith.publish.sbom import CYCLONEDX, cyclonedx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.oci.image import OciImage
    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Facts, Progress, Source

DISK = "application/vnd.goldsmith.disk.v1"
_NOTHING = Blob.of(EMPTY, b"{}")


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
    home: Home,
    mount_from: str = "",
    plain_http: bool = False,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> PublishedReference:
    """Push an image's container image to ``reference``, ``[oci://]HOST/REPOSITORY:TAG``, with its packages.

    It is the one that the build wrote, or else one layer of the disk's root file system, which is made only where the
    registry lacks what it is known to be. ``mount_from`` is another repository of the registry that may have its
    layers. ``progress`` hears (bytes sent or found there, of how many). What the registry has is not sent; an upload
    that was cut goes on where it was. Raises OciError, ReferenceFault and DiskError.
    """
    place = _place(reference)
    with Repository(place, plain=plain_http) as repository, ExitStack() as stack:
        image = _image(repository, source, home, stack, dry_run=dry_run)
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
    with Repository(place, plain=plain_http) as repository, ExitStack() as stack:
        blob = _disk(repository, source, form, home, stack, dry_run=dry_run)
        manifest = _manifest(
            DISK, blob, annotations_of(facts.name, facts.version, facts.description, facts.created), subject=None
        )
        push = _Push(repository, mount_from, progress, dry_run=dry_run)
        return push.published(manifest, (_NOTHING, blob), facts, container=False)


def _image(repository: Repository, source: Source, home: Home, stack: ExitStack, *, dry_run: bool) -> OciImage:
    """Return the container image to push: as it is known where the registry has all of that, else made."""
    known = known_image(source, home)
    if known and (dry_run or all(repository.has(layer.descriptor.digest) for layer in known.layer_blobs)):
        return known
    repository.has(_NOTHING.descriptor.digest)  # credentials are tried before a disk is read
    image = stack.enter_context(container_image(source, home.path))
    remember_image(source, home, image)
    return image


def _disk(repository: Repository, source: Source, form: str, home: Home, stack: ExitStack, *, dry_run: bool) -> Blob:
    """Return the disk to push: as it is known where the registry has it, else made."""
    known = known_disk(source, form, home)
    place = str(repository.reference)
    there = known is not None and repository.has(known.descriptor.digest)
    if there:
        discard(source, form, home, place)
    if known and (there or dry_run):
        return known
    repository.has(_NOTHING.descriptor.digest)  # credentials are tried before a disk is read
    return stack.enter_context(disk_blob(source, form, home, place))


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
                CYCLONEDX, cyclonedx(facts, digest, container=container), {TITLE: f"{facts.name}.cdx.json"}
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
