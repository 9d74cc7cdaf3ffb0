"""The images of this host: one folder each, which appears whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.documents.faults import near_name
from goldsmith.documents.versions import Version, VersionPattern
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORD = "image.json"

AVAILABLE = "AVAILABLE"
UNTESTED = "UNTESTED"
"""The status of an image that nobody saw boot, as its import did not ask: a parent for recipes, and no AMI."""


class ImageNotFoundError(GoldsmithError):
    """No image of that name or version."""


@dataclass(frozen=True)
class Disk:
    """One file of an image: its format, its SHA-256 and its size in bytes."""

    format: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Image:
    """An image: what it is, what it was made of, and what is known of it.

    ``plan`` is the digest of all that went in; ``created`` is ISO 8601
    in UTC; ``packages``, ``tests``, ``boot``, ``timings`` and ``cleanup`` are the facts of its build.
    """

    name: str
    version: str
    build: int
    status: str
    created: str
    parent_image: str
    plan: str
    disk_bytes: int
    disks: tuple[Disk, ...]
    components: tuple[dict[str, Any], ...] = ()
    packages: tuple[dict[str, Any], ...] = ()
    tests: tuple[dict[str, Any], ...] = ()
    boot: tuple[dict[str, Any], ...] = ()
    timings: tuple[dict[str, Any], ...] = ()
    cleanup: tuple[dict[str, Any], ...] = ()
    updates: tuple[dict[str, Any], ...] = ()
    description: str = ""
    distribution: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """How people name it: name/version/build."""
        return f"{self.name}/{self.version}/{self.build}"


class ImageStore:
    """The folder of images: name/version/build, each with its record, disks, logs and evidence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def all(self) -> list[Image]:
        """Return every image, the newest first."""
        images = [self._read(file) for file in self.folder.glob(f"*/*/*/{RECORD}")]
        return sorted(images, key=lambda image: (image.created, image.build), reverse=True)

    def find(self, reference: str) -> Image:
        """Return the newest image of ``name``, ``name/version`` (wildcards too) or ``name/version/build``."""
        name, _, rest = reference.partition("/")
        version, _, build = rest.partition("/")
        named = [image for image in self.all() if image.name == name]
        if not named:
            known = sorted({image.name for image in self.all()})
            near = near_name(name, known)
            there = f"There are: {', '.join(known)}." if known else "Make one with `goldsmith build PIPELINE.yaml`."
            raise ImageNotFoundError(
                f"There is no image named {name} here.", mend=f"Did you mean {near}?" if near else there
            )
        pattern = VersionPattern.parse(version or "x.x.x")
        matching = [image for image in named if pattern.matches(Version.parse(image.version))]
        if build:
            matching = [image for image in matching if str(image.build) == build]
        if not matching:
            versions = ", ".join(f"{image.version}/{image.build}" for image in named)
            raise ImageNotFoundError(f"The image {name} has no version {rest}.", mend=f"It has: {versions}.")
        return max(matching, key=lambda image: (Version.parse(image.version), image.build))

    def with_plan(self, plan: str) -> Image | None:
        """Return the newest image that was made of exactly that plan; one look, however many images there are."""
        try:
            return self._read(self._plan_link(plan) / RECORD)
        except FileNotFoundError:
            return None

    def path(self, image: Image) -> Path:
        """Return the image's folder."""
        return self.folder / image.name / image.version / str(image.build)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Give a folder for an image in the making, locked while it is; it is removed unless `publish` took it."""
        path = self.folder / f".draft-{uuid.uuid4().hex[:12]}"
        path.mkdir()
        with path.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)
                path.with_suffix(".lock").unlink(missing_ok=True)

    def publish(self, draft: Path, image: Image) -> Path:
        """Write the record and move the draft to its place in one step, under the next free build number."""
        while True:
            target = self.path(image)
            (draft / RECORD).write_text(json.dumps(asdict(image), indent=2) + "\n")
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.rename(draft, target)  # noqa: PTH104 - Path.rename would replace an empty folder all the same
            except OSError:
                if not target.exists():
                    raise
                image = Image(**{**asdict(image), "build": image.build + 1})
                continue
            self._remember_plan(image.plan, target)
            return target

    def _plan_link(self, plan: str) -> Path:
        return self.folder / ".plans" / plan

    def _remember_plan(self, plan: str, target: Path) -> None:
        """Point the plan's link at its newest image; one whose image is removed leads nowhere, which is no image."""
        link = self._plan_link(plan)
        link.parent.mkdir(exist_ok=True)
        arriving = link.with_name(uuid.uuid4().hex)
        arriving.symlink_to(os.path.relpath(target, link.parent))
        arriving.replace(link)

    def next_build(self, name: str, version: str) -> int:
        """Return the number that the next build of that version gets."""
        builds = [int(path.name) for path in (self.folder / name / version).glob("*") if path.name.isdigit()]
        return max(builds, default=0) + 1

    def versions(self, name: str) -> list[Version]:
        """Return the versions of that name, in order."""
        return sorted(Version.parse(path.name) for path in (self.folder / name).glob("*") if path.is_dir())

    def remove(self, image: Image) -> None:
        """Remove an image with all its files."""
        shutil.rmtree(self.path(image))

    def sweep(self) -> list[Path]:
        """Remove drafts of builds that were killed; return them."""
        removed = []
        for path in self.folder.glob(".draft-*"):
            if not path.is_dir():
                continue
            lock_file = path.with_suffix(".lock")
            with lock_file.open("ab") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                shutil.rmtree(path)
                lock_file.unlink(missing_ok=True)
                removed.append(path)
        return removed

    def _read(self, file: Path) -> Image:
        record = json.loads(file.read_text())
        record["disks"] = tuple(Disk(**disk) for disk in record["disks"])
        return Image(**record)
