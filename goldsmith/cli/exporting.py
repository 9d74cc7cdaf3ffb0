"""`goldsmith export`: an image's disk as a file, whole or not at all, with its SHA-256."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from goldsmith.cli.output import UsageError, bytes_for_people, print_json_line
from goldsmith.cli.publishing import found_source
from goldsmith.cli.view import choose_view
from goldsmith.disks.comparing import first_difference
from goldsmith.disks.containers import KINDS, to_raw
from goldsmith.disks.formats import FORMATS
from goldsmith.disks.pieces import data_bytes
from goldsmith.disks.room import require_room
from goldsmith.disks.vmdk import file_name
from goldsmith.errors import GoldsmithError
from goldsmith.oci.outputs import CONTAINER_FORMATS, ContainerFormat
from goldsmith.pipelines.progress import Stages
from goldsmith.publish.container import export_container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.disks.containers import Kind
    from goldsmith.disks.formats import Format
    from goldsmith.publish.source import Facts, Source

PARTIAL = ".partial"

LEAST_PACKED = 4
"""A system's disk is seldom compressed to less than its data by that."""

READ_BACK: dict[str, Kind] = {**{kind: kind for kind in KINDS}, "vmdk-sparse": "vmdk"}
"""The formats that hold the disk itself, and the kinds they are read as."""


@dataclass(frozen=True)
class ExportRequest:
    """What a person asks of an export; ``output`` empty means a file of the image's name in the current folder."""

    image: str
    form: str
    output: str = ""
    region: str = ""
    force: bool = False
    verify: bool = False


@dataclass(frozen=True)
class Exported:
    """The file that came of it."""

    image: str
    format: str
    file: str
    size: int
    sha256: str
    verified: bool


def run_export(request: ExportRequest, *, as_json: bool) -> None:
    """Write the file and print what came of it. Raises GoldsmithError for what is not there or does not fit."""
    row = FORMATS.get(request.form) or CONTAINER_FORMATS.get(request.form)
    if row is None:
        known = ", ".join((*FORMATS, *CONTAINER_FORMATS))
        raise UsageError(f"There is no disk format {request.form}.", mend=f"There are: {known}.")
    if request.verify and row.name not in READ_BACK:
        raise UsageError(f"A {row.name} is not read back as a disk.", mend=f"--verify reads {', '.join(READ_BACK)}.")
    view = choose_view(as_json=as_json)
    try:
        with found_source(request.image, region=request.region) as source:
            made = _export(source, row, _target(request, row, source.facts), Stages(view), verify=request.verify)
    except GoldsmithError as error:
        if as_json:
            print_json_line({"event": "Failed", "message": error.message, "mend": error.mend})
        raise
    finally:
        view.close()
    if as_json:
        print_json_line({"event": "Exported", **asdict(made)})
        return
    same = ", read back: it is the image's disk" if made.verified else ""
    print(f"{made.file}  {bytes_for_people(made.size)}{same}")
    print(f"  {row.title}")
    print(f"  sha256      {made.sha256}")


def _target(request: ExportRequest, row: Format | ContainerFormat, facts: Facts) -> Path:
    """Return where the file goes; nothing that is there is replaced unless that was asked for."""
    target = Path(request.output or f"{file_name(facts.name)}{row.suffix}").absolute()
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} is no place for a file.", mend="Give -o a file's name in a folder that is there.")
    if target.exists() and not request.force:
        raise UsageError(f"{target} is there already.", mend="Choose another name with -o, or replace it with --force.")
    return target


def _export(source: Source, row: Format | ContainerFormat, target: Path, stages: Stages, *, verify: bool) -> Exported:
    with _beside(target) as folder:
        file = folder / target.name
        if isinstance(row, ContainerFormat):
            with stages.stage(f"write {row.name}") as stage:
                export_container(source, file, row.name, scratch=folder, progress=stage.progress)
        else:
            _write_disk(source, row, file, stages, verify=verify)
        with stages.stage("sha256") as stage, file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            os.fsync(content.fileno())
            size = file.stat().st_size
            stage.note = bytes_for_people(size)
        file.replace(target)
    return Exported(source.facts.reference, row.name, str(target), size, digest, verified=verify)


def _write_disk(source: Source, row: Format, file: Path, stages: Stages, *, verify: bool) -> None:
    with source.raw() as raw:
        data = data_bytes(raw)
        require_room(file, data // LEAST_PACKED if row.packed else data, spare=0)
        with stages.stage(f"write {row.name}") as stage:
            row.write(raw, file, about=source.facts.about(), progress=stage.progress)
            stage.note = bytes_for_people(file.stat().st_size)
        if verify:
            _require_same(raw, file, READ_BACK[row.name], stages)


def _require_same(raw: Path, file: Path, kind: Kind, stages: Stages) -> None:
    back = file.with_name(f"{file.name}.back")
    with stages.stage("read back") as stage:
        to_raw(file, kind, back, progress=stage.progress)
    with stages.stage("compare") as stage:
        at = first_difference(raw, back, stage.progress)
        stage.note = "it is the image's disk" if at is None else "it is not the image's disk"
    if at is not None:
        raise GoldsmithError(
            f"What was written differs from the image's disk from byte {at} on.",
            mend="It is removed again. Check the disk it was written to, and this host's memory.",
        )


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a hidden folder beside the target for as long as it takes; those of exports that were killed go first."""
    for left in target.parent.glob(f".{target.name}.*{PARTIAL}"):
        with suppress(OSError), _held(left):
            shutil.rmtree(left)
    folder = Path(mkdtemp(prefix=f".{target.name}.", suffix=PARTIAL, dir=target.parent))
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the kernel lets go of when its process ends; raises OSError where it is held."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
