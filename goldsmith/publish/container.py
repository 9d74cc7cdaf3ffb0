"""An image's tree as a container image: the one that its build wrote, or one layer made of its disk."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.disks.root_tar import root_stream
from goldsmith.oci.blobs import CONFIG, MANIFEST, Blob, Descriptor, OciError
from goldsmith.oci.image import About, OciImage, content_of, made_image
from goldsmith.oci.layer import new_layer, pack
from goldsmith.oci.opened import opened_image
from goldsmith.oci.outputs import CONTAINER_FORMATS, annotations_of
from goldsmith.publish.disk_blob import not_at_hand
from goldsmith.publish.known import recall, remember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.pipelines.home import Home
    from goldsmith.publish.source import Facts, Progress, Source

_FORM = "oci"


@contextmanager
def container_image(source: Source, scratch: Path, progress: Progress | None = None) -> Iterator[OciImage]:
    """Give the container image of an image of this host or an AMI, for as long as the context.

    Where its build wrote one with its layers, it is that. Else it is one layer, made of the disk's root file system
    into a nameless file of ``scratch``; ``progress`` hears (bytes of the disk read, of how many). Device nodes are
    left out. Raises DiskError for a disk whose root cannot be read, OciError for a damaged container image.
    """
    for form in CONTAINER_FORMATS:
        written = source.output(form)
        if written:
            with opened_image(str(written), scratch=scratch) as image:
                yield image
            return
    with tempfile.TemporaryFile(dir=scratch) as packed, source.raw() as raw:
        with root_stream(raw, progress, sparse=False, devices=False) as stream:
            diff_id = pack(stream, packed.fileno())
        layer = new_layer(packed.fileno(), diff_id, f"the root file system of {source.facts.reference}")
        yield made_image([layer], _about(source.facts))


def known_image(source: Source, home: Home) -> OciImage | None:
    """Return the image of one layer that a source is known to be, without the layer's bytes; None where nobody knows.

    An image that its build wrote is read, and not known.
    """
    facts = recall(source, _FORM, home)
    if not facts or any(source.output(form) for form in CONTAINER_FORMATS):
        return None
    manifest = Blob.of(MANIFEST, str(facts.get("manifest")).encode())
    config = Blob.of(CONFIG, str(facts.get("config")).encode())

    def blob(wanted: Descriptor) -> Blob:
        return config if wanted.digest == config.descriptor.digest else Blob(wanted, not_at_hand)

    try:
        image = content_of(manifest, blob, source.facts.reference)
    except OciError:
        return None
    return image if isinstance(image, OciImage) else None


def remember_image(source: Source, home: Home, image: OciImage) -> None:
    """Keep what an image of one layer is; one that its build wrote need not be known."""
    if any(source.output(form) for form in CONTAINER_FORMATS):
        return
    documents = {"manifest": image.manifest_blob, "config": image.config_blob}
    remember(source, _FORM, home, {name: blob.read().decode() for name, blob in documents.items()})


def export_container(
    source: Source, output: Path, form: str, *, scratch: Path, progress: Progress | None = None
) -> None:
    """Write an image's container image to ``output``, "oci" or "docker-archive"; on failure leave no output."""
    row = CONTAINER_FORMATS[form]
    with container_image(source, scratch, progress) as image:
        try:
            with output.open("wb") as file:
                row.write(image, file, source.facts.name, source.facts.version)
        except BaseException:
            output.unlink(missing_ok=True)
            raise


def _about(facts: Facts) -> About:
    created = re.sub(r"\+00:00$", "Z", facts.created) or "1970-01-01T00:00:00Z"
    labels = {"name": facts.name, "version": facts.version}
    said = annotations_of(facts.name, facts.version, facts.description, created)
    return About(created, {key: value for key, value in labels.items() if value}, said)
