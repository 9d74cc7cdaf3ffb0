"""A disk from elsewhere becomes an image of this host: looked at, stored, booted, and only then there.

So does a tree with a kernel, from a root archive or a container image: it is made a disk first.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from goldsmith.catalog.images import AVAILABLE, UNTESTED, Disk, Image, ImageStore
from goldsmith.disks.containers import to_raw
from goldsmith.disks.examining import examine
from goldsmith.disks.formats import FORMATS
from goldsmith.documents.versions import Version
from goldsmith.errors import GoldsmithError
from goldsmith.machines.acceleration import probe
from goldsmith.machines.boot import BootError
from goldsmith.machines.machine import BOOT_LIMIT, Machine
from goldsmith.machines.spec import Firmware, MachineSpec
from goldsmith.pipelines.import_source import DiskFile, ImportRefusedError, found_source, is_container, short_name
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.sealed_disk import raw_file
from goldsmith.pipelines.tree_disk import write_tree_disk
from goldsmith.trees.inventory import installed

if TYPE_CHECKING:
    from goldsmith.disks.examining import Examination
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.progress import Listener, Stage

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LOOK_SECONDS = 0.5
_LOGIN = " login:"


@dataclass(frozen=True)
class ImportRequest:
    """What a person asks of an import.

    ``source`` is a disk's or root archive's file, or a container image or artifact as ``oci:``, ``oci-archive:``,
    ``docker-archive:`` and ``oci://`` name them. ``kind`` empty means what the file's name says. ``plain_http`` is for
    a registry without TLS.
    """

    source: str
    name: str = ""
    version: str = "1.0.0"
    kind: str = ""
    boot: bool = True
    plain_http: bool = False


@dataclass(frozen=True)
class Imported:
    """The image, where it is, and what was seen of its disk."""

    image: Image
    folder: Path
    examination: Examination


def import_image(request: ImportRequest, home: Home, listener: Listener) -> Imported:
    """Make an image of a disk, or of a tree with a kernel.

    Raises ImportRefusedError with every reason why it cannot boot here, TreeRefusedError for a tree that is no
    machine's, DiskError for what is no disk and OciError for what is no container image. Without ``boot`` a disk is
    kept whatever was found.
    """
    name = _name(request)
    version = str(Version.parse(request.version))
    stages, store = Stages(listener), ImageStore(home.images)
    with (
        found_source(request.source, request.kind, home, stages, plain=request.plain_http) as found,
        store.draft() as draft,
        raw_file(draft, in_memory=False) as raw,
    ):
        if isinstance(found, DiskFile):
            with stages.stage("read") as stage:
                to_raw(found.path, found.kind, raw, progress=stage.progress)
        else:
            write_tree_disk(found, home, stages, draft / "logs", raw)
        with stages.stage("examine") as stage:
            seen = examine(raw)
            stage.note = (
                f"{seen.system or 'unknown system'}, {seen.table}, boots by {' and '.join(seen.firmware) or '?'}"
            )
        if request.boot and seen.errors:
            raise _cannot_boot(request.source, seen)
        boots = _boots(raw, seen, draft, home, stages) if request.boot else ()
        with stages.stage("write qcow2") as stage:
            file = draft / f"{name}.qcow2"
            FORMATS["qcow2"].write(raw, file, progress=stage.progress)
            digest = _sha256(file)
        image = Image(
            name=name,
            version=version,
            build=store.next_build(name, version),
            status=AVAILABLE if request.boot else UNTESTED,
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            parent_image=f"imported from {short_name(request.source)}",
            plan=digest,
            disk_bytes=raw.stat().st_size,
            disks=(Disk("qcow2", file.name, digest, file.stat().st_size),),
            packages=_packages(seen.packages),
            boot=boots,
            timings=tuple(stages.timings),
            description=f"{seen.system or 'A disk'}, imported",
        )
        raw.unlink()
        folder = store.publish(draft, image)
    return Imported(replace(image, build=int(folder.name)), folder, seen)


def _name(request: ImportRequest) -> str:
    said = re.sub(r"^[a-z-]+:", "", request.source) if is_container(request.source) else request.source
    last = re.split(r"[.:@]", said.rstrip("/").rpartition("/")[2])[0]
    name = request.name or re.sub(r"[^A-Za-z0-9_-]+", "-", last).strip("-").lower()
    if not _NAME.fullmatch(name):
        raise ImportRefusedError(f"{name!r} is no name of an image.", mend="Give --name with letters, digits, - and _.")
    return name


def _cannot_boot(source: str, seen: Examination) -> ImportRefusedError:
    reasons = " ".join(each.message for each in seen.errors)
    mends = " ".join(dict.fromkeys(each.mend for each in seen.errors))
    return ImportRefusedError(
        f"{source} cannot boot here: {reasons}", mend=f"{mends} With --no-boot it is kept, as no AMI."
    )


def _boots(raw: Path, seen: Examination, draft: Path, home: Home, stages: Stages) -> tuple[dict[str, Any], ...]:
    """Boot the disk once: by UEFI where it can, else by BIOS, and by BIOS where nobody can tell."""
    firmware: Firmware = next((each for each in get_args(Firmware) if each in seen.firmware), "bios")
    with stages.stage("acceleration") as stage:
        acceleration = probe(home.machines)
        stage.note = f"{acceleration.kind}: {acceleration.reason}"
    spec = MachineSpec(disk=raw, evidence=draft / "evidence" / firmware, firmware=firmware)
    with stages.stage(f"boot {firmware}") as stage, Machine(spec, acceleration, runs=home.machines) as machine:
        try:
            if seen.cloud_init:
                report = machine.await_boot()
                stage.note = f"{report.acceleration}, kernel {report.kernel}, no failed units"
                return (report.as_json(),)
            return (_await_login(machine, stage),)
        except GoldsmithError as failed:
            kept = home.failed / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{draft.name[-6:]}"
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(draft / "evidence", kept / "evidence")
            raise ImportRefusedError(
                f"The disk did not boot here. {failed.message}",
                mend=f"What it showed is in {kept}. With --no-boot it is kept, as no AMI.",
            ) from failed


def _await_login(machine: Machine, stage: Stage) -> dict[str, Any]:
    """Wait for the console's login prompt: nobody can log in to a system that takes no keys."""
    begun = time.monotonic()
    while _LOGIN not in machine.console.last_lines():
        machine.check()
        if time.monotonic() - begun > BOOT_LIMIT:
            raise BootError(f"No login prompt came. The console's last lines:\n{machine.console.last_lines()}")
        time.sleep(_LOOK_SECONDS)
    stage.note = "a login prompt on the console; without cloud-init no more can be told"
    return {
        "seconds": round(time.monotonic() - begun, 2),
        "firmware": machine.spec.firmware,
        "acceleration": machine.acceleration.kind,
        "console": machine.console.path.name,
        "evidence": "login prompt",
    }


def _packages(status: bytes) -> tuple[dict[str, Any], ...]:
    """Return the inventory of a dpkg database's text."""
    with TemporaryDirectory(prefix="goldsmith-import-") as folder:
        database = Path(folder) / "var/lib/dpkg"
        database.mkdir(parents=True)
        (database / "status").write_bytes(status)
        return tuple(asdict(package) for package in installed(Path(folder)))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
