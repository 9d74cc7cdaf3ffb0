"""What an import begins with: a disk, or a tree of a root archive or container image, from a file or a registry."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.disks.containers import KINDS
from goldsmith.documents.parent_image import ContainerImage, LocalFile, ParentImageError, parse_parent_image
from goldsmith.errors import GoldsmithError
from goldsmith.oci.artifact import Artifact, title_of
from goldsmith.oci.opened import is_image, opened_content
from goldsmith.pipelines.parents import pin_container
from goldsmith.pipelines.plan import FileParent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.disks.containers import Kind
    from goldsmith.oci.blobs import Blob
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import OciParent
    from goldsmith.pipelines.progress import Stages

_CONTAINER = re.compile(r"(oci|docker|oci-archive|docker-archive):")


class ImportRefusedError(GoldsmithError):
    """A file that does not become an image, and why."""


@dataclass(frozen=True)
class DiskFile:
    """A disk's file and its kind."""

    path: Path
    kind: Kind


@contextmanager
def found_source(
    source: str, said: str, home: Home, stages: Stages, *, plain: bool = False
) -> Iterator[DiskFile | FileParent | OciParent]:
    """Give what ``source`` names, as a person said (``said`` is its kind, or empty) or as its name says.

    What is in a disk never decides what it is. An artifact's file is fetched into a nameless file of the home, for as
    long as the context; ``plain`` is for a registry without TLS. Raises ImportRefusedError, OciError, ReferenceFault.
    """
    if not is_container(source):
        yield _local(source, said, home)
        return
    parent = _parsed(source)
    if not isinstance(parent, ContainerImage):
        raise ImportRefusedError(f"{source} names no container image.", mend="Write oci://registry/repository:tag.")
    with ExitStack() as stack:
        text = parent.seen_from(Path.cwd())
        content = stack.enter_context(opened_content(text, scratch=home.path, plain=plain))
        if isinstance(content, Artifact):
            yield _fetched(content, source, said, home, stages, stack)
        else:
            yield pin_container(parent, Path.cwd(), home, plain=plain)


def is_container(source: str) -> bool:
    """Tell whether a source names a container image, or an artifact, and no file."""
    return _CONTAINER.match(source) is not None


def short_name(source: str) -> str:
    """Return a source's name without the folders of a file."""
    return source if is_container(source) else Path(source).name


def _parsed(source: str) -> object:
    try:
        return parse_parent_image(source)
    except ParentImageError as unknown:
        raise ImportRefusedError(unknown.message, mend=unknown.mend) from None


def _local(source: str, said: str, home: Home) -> DiskFile | FileParent | OciParent:
    path = Path(source)
    if not said:
        try:
            parent = parse_parent_image(str(path.absolute()))
        except ParentImageError as unknown:
            raise ImportRefusedError(unknown.message, mend=_say_kind()) from None
        if isinstance(parent, ContainerImage):
            return pin_container(parent, Path.cwd(), home)
        said = parent.kind if isinstance(parent, LocalFile) else ""
    if said == "tar" and path.suffix == ".tar" and is_image(path):  # as `docker save` names them
        return pin_container(ContainerImage("oci-archive", str(path)), Path.cwd(), home)
    if said == "tar":
        with path.open("rb") as content:
            return FileParent(path.absolute(), "tar", hashlib.file_digest(content, "sha256").hexdigest(), source)
    return DiskFile(path, _known(said))


def _known(said: str) -> Kind:
    found = next((kind for kind in KINDS if kind == said), None)
    if found is None:
        raise ImportRefusedError(f"There is no kind of disk {said!r}.", mend=f"There are: {', '.join(KINDS)} and tar.")
    return found


def _say_kind() -> str:
    return f"Say what it is: --kind {', '.join(KINDS)} or tar."


def _fetched(
    artifact: Artifact, source: str, said: str, home: Home, stages: Stages, stack: ExitStack
) -> DiskFile | FileParent:
    """Fetch the artifact's one file that is a disk or a root archive, as its title says."""
    file, kind = _chosen(artifact, source, said)
    out = os.open(home.path, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, out)
    with stages.stage("fetch") as stage:
        file.save(out, stage.progress)
        stage.note = f"{title_of(file)[:100] or kind}, an artifact of the type {artifact.kind[:100] or 'unknown'}"
    path = Path(f"/proc/{os.getpid()}/fd/{out}")
    if kind == "tar":
        return FileParent(path, kind, file.descriptor.digest.removeprefix("sha256:"), source)
    return DiskFile(path, _known(kind))


def _chosen(artifact: Artifact, source: str, said: str) -> tuple[Blob, str]:
    if said:
        fitting = [(file, said) for file in artifact.files if len(artifact.files) == 1 or _kind_of(file) == said]
    else:
        fitting = [(file, kind) for file in artifact.files if (kind := _kind_of(file))]
    if len(fitting) == 1:
        return fitting[0]
    titles = ", ".join(repr(title_of(file)[:60]) for file in artifact.files[:10]) or "no file"
    raise ImportRefusedError(
        f"{source} is an artifact of the type {artifact.kind[:100] or 'unknown'!r} with {titles}, of which "
        + ("more than one is a disk." if fitting else "none is a disk that is known by its name."),
        mend=_say_kind() if len(artifact.files) == 1 else "Pull it with `oras pull`, and import the file.",
    )


def _kind_of(file: Blob) -> str:
    """Return the kind that a file's title says, "" for none."""
    title = title_of(file).rpartition("/")[2]
    try:
        parent = parse_parent_image(f"/{title}") if title else None
    except ParentImageError:
        return ""
    return parent.kind if isinstance(parent, LocalFile) else ""
