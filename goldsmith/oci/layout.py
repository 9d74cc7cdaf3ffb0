"""An image as files: a layout's folder, or a tar of one (OCI image specification 1.1, image-layout)."""

from __future__ import annotations

import os
import shutil
import tarfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from goldsmith.oci.blobs import CHUNK, LARGEST_DOCUMENT, MANIFEST, Blob, Descriptor, OciError, file_blob
from goldsmith.oci.image import (
    ARCHITECTURE,
    REF_NAME,
    OciImage,
    canonical,
    chosen_manifest,
    content_of,
    is_index,
    json_object,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, Protocol

    from goldsmith.oci.artifact import Artifact

    class Files(Protocol):
        """The files of a layout, or of another archive, by their names."""

        def blob(self, name: str, wanted: Descriptor) -> Blob:
            """Return the blob that a file is. Raises OciError when there is none."""

        def document(self, name: str) -> bytes:
            """Return a small file's bytes. Raises OciError when there is none."""


LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def write_layout(image: OciImage, folder: Path, *, name: str = "latest") -> None:
    """Write an image as a layout's folder, which appears whole or not at all. ``name`` is its name in the index."""
    arriving = folder.with_name(f".{folder.name}.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    try:
        (arriving / "blobs" / "sha256").mkdir(parents=True)
        for path, blob in _files(image, name):
            with (arriving / path).open("wb") as file, blob.opened() as source:
                shutil.copyfileobj(source, file, CHUNK)
        arriving.rename(folder)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def write_oci_archive(image: OciImage, out: BinaryIO, *, name: str = "latest") -> None:
    """Write an image as a tar of a layout; the same image and name give the same bytes."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, blob in sorted(_files(image, name), key=lambda each: each[0]):
            add_file(archive, path, blob)


def add_file(archive: tarfile.TarFile, path: str, blob: Blob, size: int | None = None) -> None:
    """Add a blob to an archive under a name, with nothing of this host or time in its header."""
    info = tarfile.TarInfo(path)
    info.size, info.mode = blob.descriptor.size if size is None else size, 0o644
    with blob.opened() as source:
        archive.addfile(info, source)


def _files(image: OciImage, name: str) -> list[tuple[str, Blob]]:
    manifest = image.manifest_blob
    described = Descriptor(
        manifest.descriptor.media_type or MANIFEST, image.digest, manifest.descriptor.size, {REF_NAME: name}
    )
    entry = {**described.as_json(), "platform": {"architecture": ARCHITECTURE, "os": "linux"}}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
    return [
        (LAYOUT_FILE, Blob.of("", _LAYOUT)),
        (INDEX_FILE, Blob.of("", canonical(index))),
        *((_place(blob.descriptor), blob) for blob in (manifest, *image.blobs)),
    ]


def read_layout(files: Files, where: str, name: str = "") -> OciImage | Artifact:
    """Return the image or artifact of a layout: of that name in its index, or the only one. Raises OciError."""
    index = json_object(files.document(INDEX_FILE), f"{INDEX_FILE} of {where}")
    wanted = chosen_manifest(index, where, name)
    manifest = files.blob(_place(wanted), wanted)
    for _ in range(2):
        document = json_object(manifest.read(), f"The manifest of {where}")
        if not is_index(wanted.media_type, document):
            break
        wanted = chosen_manifest(document, where)
        manifest = files.blob(_place(wanted), wanted)
    return content_of(manifest, lambda each: files.blob(_place(each), each), where)


def _place(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{descriptor.digest.partition(':')[2]}"


class FolderFiles:
    """The files of a folder; names are ours or a digest's, and no link is followed out of it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack

    def blob(self, name: str, wanted: Descriptor) -> Blob:
        """Return the blob that a file is."""
        return file_blob(wanted.media_type, wanted.digest, self._opened(name), 0, wanted.size)

    def document(self, name: str) -> bytes:
        """Return a small file's bytes."""
        return os.pread(self._opened(name), LARGEST_DOCUMENT, 0)

    def _opened(self, name: str) -> int:
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as wrong:
            raise OciError(f"{self._folder} lacks {name}: {wrong.strerror}.", mend="Write the layout again.") from wrong
        self._stack.callback(os.close, descriptor)
        return descriptor


class ArchiveFiles:
    """The files of a plain tar, found once, read where they lie."""

    def __init__(self, descriptor: int, where: str) -> None:
        self._descriptor = descriptor
        self._where = where
        self._found: dict[str, tuple[int, int]] = {}
        links = {}
        try:
            with os.fdopen(os.dup(descriptor), "rb") as file:
                file.seek(0)
                with tarfile.open(fileobj=file, mode="r:") as archive:
                    for member in archive:
                        name = os.path.normpath(member.name)
                        if member.isreg() and not member.sparse:
                            self._found[name] = (member.offset_data, member.size)
                        elif member.issym():
                            links[name] = os.path.normpath(f"{name}/../{member.linkname}")
                        elif member.islnk():
                            links[name] = os.path.normpath(member.linkname)
        except (tarfile.TarError, OSError, ValueError) as wrong:
            raise OciError(f"{where} is no archive of a container image: {wrong}.") from wrong
        self._found |= {name: self._found[to] for name, to in links.items() if to in self._found}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def blob(self, name: str, wanted: Descriptor) -> Blob:
        """Return the blob that a file is."""
        begin, size = self._place(name)
        if size != wanted.size:
            raise OciError(f"{self._where} is damaged: {name} has {size} bytes instead of {wanted.size}.")
        return file_blob(wanted.media_type, wanted.digest, self._descriptor, begin, size)

    def document(self, name: str) -> bytes:
        """Return a small file's bytes."""
        begin, size = self._place(name)
        return os.pread(self._descriptor, min(size, LARGEST_DOCUMENT), begin)

    def section(self, name: str) -> tuple[int, int]:
        """Return where a file begins in the archive, and its bytes."""
        return self._place(name)

    def _place(self, name: str) -> tuple[int, int]:
        if name not in self._found:
            raise OciError(f"{self._where} lacks {name[:200]}.", mend="Write the archive again.")
        return self._found[name]


@contextmanager
def opened_layout(folder: Path, name: str = "") -> Iterator[OciImage | Artifact]:
    """Give the image or artifact of a layout's folder."""
    with ExitStack() as stack:
        yield read_layout(FolderFiles(folder, stack), str(folder), name)
