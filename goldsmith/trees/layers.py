"""The layer cache: what a step of a build changed, kept under a name made of all that went in."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.guests.workspace import Workspace

_TAR = ("tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--sparse")


@dataclass(frozen=True)
class LayerKey:
    """What a layer is made of, by name, and the digest of it all. ``parts`` says why two keys differ."""

    title: str
    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of the parts, in hexadecimal."""
        return digest_of(dict(self.parts))

    def difference(self, other: Mapping[str, str]) -> str:
        """Say in which parts this key differs from an older one of the same title."""
        names = [name for name in self.parts if self.parts[name] != other.get(name)]
        return f"{', '.join(names)} changed" if names else "it was collected"


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Layer:
    """A kept layer: its digest, what it was made of, and the facts that its making left for later stages."""

    digest: str
    title: str
    parts: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)


class LayerStore:
    """A folder of layers, each a tar archive and a JSON file that appears last, so that half a layer is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: LayerKey) -> Layer | None:
        """Return the layer of that key, marking it as used now."""
        file = self._folder / f"{key.digest}.json"
        layer = _read(file)
        if layer is None or not file.with_suffix(".tar").exists():
            return None
        with contextlib.suppress(FileNotFoundError):
            os.utime(file)
        return layer

    def reason_for_miss(self, key: LayerKey) -> str:
        """Say why there is no layer: which parts differ from the newest layer of the same title."""
        for _, layer in sorted(self._kept(), key=lambda kept: kept[0], reverse=True):
            if layer.title == key.title:
                return key.difference(layer.parts)
        return "never built before"

    def save(self, workspace: Workspace, key: LayerKey, source: Path, facts: dict[str, Any]) -> None:
        """Keep what the folder ``source`` of the workspace holds, whiteouts and attributes included."""
        arriving = self._folder / f".{uuid.uuid4().hex}"
        try:
            with arriving.open("wb") as file:
                workspace.run([*_TAR, "--create", "--sort=name", "--file=-", "."], cwd=source, output=file)
            arriving.replace(self._folder / f"{key.digest}.tar")
        finally:
            arriving.unlink(missing_ok=True)
        arriving.write_text(json.dumps(asdict(Layer(key.digest, key.title, dict(key.parts), facts))))
        arriving.replace(self._folder / f"{key.digest}.json")

    def restore(self, workspace: Workspace, layer: Layer, target: Path) -> None:
        """Lay the layer out in the new folder ``target`` of the workspace."""
        with (self._folder / f"{layer.digest}.tar").open("rb") as file:
            workspace.run(["mkdir", str(target)])
            workspace.run([*_TAR, "--extract", "--preserve-permissions", "--file=-"], cwd=target, stdin=file)

    def collect(self, *, older_than: float) -> list[tuple[str, int]]:
        """Remove layers that were last used before that time, and leftovers; return (title, bytes) of each."""
        removed = []
        for file in self._folder.glob("*.json"):
            if _used(file) < older_than:
                layer = _read(file)
                archive = file.with_suffix(".tar")
                size = archive.stat().st_size if archive.exists() else 0
                file.unlink(missing_ok=True)
                archive.unlink(missing_ok=True)
                removed.append((layer.title if layer else file.stem, size))
        kept = {file.stem for file in self._folder.glob("*.json")}
        for archive in [*self._folder.glob("*.tar"), *self._folder.glob(".*")]:
            if archive.stem not in kept and _used(archive) < older_than:
                archive.unlink(missing_ok=True)
        return removed

    def _kept(self) -> list[tuple[float, Layer]]:
        """Return every layer with the time of its last use."""
        read = [(_used(file), _read(file)) for file in self._folder.glob("*.json")]
        return [(used, layer) for used, layer in read if layer]


def _read(file: Path) -> Layer | None:
    """Return the layer that a JSON file tells of; a file that is gone or damaged tells of none."""
    try:
        return Layer(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _used(file: Path) -> float:
    """Return when a file was last used, 0 when another process has removed it."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
