"""Container images by what people call them: a registry's, a layout's folder, an archive."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from goldsmith.oci.artifact import Artifact
from goldsmith.oci.blobs import CHUNK, OciError
from goldsmith.oci.docker_archive import MANIFEST_FILE, read_docker_archive
from goldsmith.oci.layout import LAYOUT_FILE, ArchiveFiles, opened_layout, read_layout
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.oci.image import OciImage

_REGISTRY = ("oci://", "docker://")
_FILES = ("oci-archive:", "docker-archive:", "oci:")
_GZIP = b"\x1f\x8b"


@contextmanager
def opened_image(text: str, *, scratch: Path | None = None, plain: bool = False) -> Iterator[OciImage]:
    """Give the container image that a text names; all else is as with `opened_content`. Raises OciError for others."""
    with opened_content(text, scratch=scratch, plain=plain) as content:
        if isinstance(content, Artifact):
            raise OciError(
                f"{text} is an artifact of the type {content.kind[:100] or 'unknown'!r} and no container image.",
                mend="If it is a disk, import it first: `goldsmith import` makes an image of it that can be named.",
            )
        yield content


@contextmanager
def opened_content(text: str, *, scratch: Path | None = None, plain: bool = False) -> Iterator[OciImage | Artifact]:
    """Give what a text names, a container image or an artifact, for as long as the context.

    ``oci://HOST/REPO:TAG`` or ``docker://…`` is a registry's (``plain`` without TLS), ``oci:FOLDER[:NAME]`` a layout's
    folder, ``oci-archive:FILE[:NAME]`` and ``docker-archive:FILE[:REPOSITORY:TAG]`` archives (skopeo's transports);
    a bare path is whichever of the three it turns out to be. ``scratch`` is where fetched layers lie, without a name.
    Raises OciError and ReferenceFault in a sentence.
    """
    folder = scratch or Path(tempfile.gettempdir())
    with ExitStack() as stack:
        if text.startswith(_REGISTRY):
            reference = Reference.parse(text)
            yield stack.enter_context(Repository(reference, plain=plain)).content(folder, stack)
            return
        transport = next((each for each in _FILES if text.startswith(each)), "")
        path, name = _split(text.removeprefix(transport))
        if path.is_dir():
            yield stack.enter_context(opened_layout(path, name))
        else:
            yield _archived(path, name, folder, stack)


def is_image(path: Path) -> bool:
    """Tell whether a file or folder is a container image: a layout, or an archive of either kind."""
    if path.is_dir():
        return (path / LAYOUT_FILE).is_file()
    with ExitStack() as stack:
        try:
            files = ArchiveFiles(_opened(path, Path(tempfile.gettempdir()), stack), str(path))
        except OciError:
            return False
        return LAYOUT_FILE in files or MANIFEST_FILE in files


def _split(text: str) -> tuple[Path, str]:
    """Part a path from the name behind it; a path that is there as it stands has none."""
    if Path(text).exists():
        return Path(text), ""
    path, _, name = text.partition(":")
    return Path(path), name


def _archived(path: Path, name: str, folder: Path, stack: ExitStack) -> OciImage | Artifact:
    files = ArchiveFiles(_opened(path, folder, stack), str(path))
    if LAYOUT_FILE in files:
        return read_layout(files, str(path), name)
    if MANIFEST_FILE in files:
        return read_docker_archive(files, str(path), name)
    raise OciError(
        f"{path} is a tar, but no container image: it has neither {LAYOUT_FILE} nor {MANIFEST_FILE}.",
        mend="Write one with `skopeo copy … oci-archive:FILE` or `docker save`.",
    )


def _opened(path: Path, folder: Path, stack: ExitStack) -> int:
    """Open an archive; one that is packed with gzip is unpacked into a nameless file of the folder."""
    try:
        file = stack.enter_context(path.open("rb"))
    except OSError as wrong:
        raise OciError(f"The container image {path} cannot be read: {wrong.strerror}.") from wrong
    packed = file.read(2) == _GZIP
    file.seek(0)
    if not packed:
        return file.fileno()
    plain = stack.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - the stack does
    try:
        with gzip.open(file) as unpacked:
            shutil.copyfileobj(cast("BinaryIO", unpacked), plain, CHUNK)
    except (OSError, EOFError) as wrong:
        raise OciError(f"The container image {path} cannot be unpacked: {wrong}.") from wrong
    plain.flush()
    return plain.fileno()
