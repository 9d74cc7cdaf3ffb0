"""The layer cache: what a step of a build changed, kept under a name made of all that went in."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.guests.workspace import empty_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.guests.workspace import Workspace


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


_RECORD = "layer.json"
_TREE = "tree"
_ARRIVING = ".arriving-"


@dataclass(frozen=True)
class Layer:
    """A kept layer: its digest, what it was made of, and the facts that its making left.

    ``size`` is in bytes; ``boot`` is the boot of this host in which it was last known to be whole.
    """

    digest: str
    title: str
    parts: dict[str, str]
    size: int
    boot: str
    facts: dict[str, Any] = field(default_factory=dict)


class LayerStore:
    """A folder of layers, each a folder of files and a record, renamed into its place whole or not at all.

    The files belong to the users of the workspaces' namespaces, so that an overlay takes them where they are. A layer
    that was found is not collected before the store is closed or its process has ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held = contextlib.ExitStack()
        folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Let go of the layers that were found."""
        self._held.close()

    def find(self, key: LayerKey, workspace: Workspace) -> Layer | None:
        """Return the layer of that key, marking it as used now and holding it.

        What was written before this host last started is measured first: a crash leaves files without their contents.
        """
        folder = self.folder / key.digest
        with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
            lock = stack.enter_context(_opened(folder))
            fcntl.flock(lock, fcntl.LOCK_SH)
            layer = _read(folder)
            if layer and folder.stat().st_ino == os.fstat(lock).st_ino:
                if layer.boot != _boot():
                    if _measured(workspace, self.tree(layer)) != layer.size:
                        return None
                    layer = replace(layer, boot=_boot())
                    self._write(layer)
                os.utime(lock)
                self._held.enter_context(stack.pop_all())
                return layer
        return None

    def has(self, key: LayerKey) -> bool:
        """Tell whether there is a layer of that key, without holding it."""
        return _read(self.folder / key.digest) is not None

    def tree(self, layer: Layer) -> Path:
        """Return the folder of a layer's files, which only a workspace may enter; nothing may change it."""
        return self.folder / layer.digest / _TREE

    def amend(self, layer: Layer, facts: dict[str, Any]) -> None:
        """Write other facts of a layer that `find` returned into its record."""
        self._write(replace(layer, facts=facts))

    def _write(self, layer: Layer) -> None:
        file = self.folder / layer.digest / _RECORD
        arriving = file.with_name(f".{uuid.uuid4().hex}")
        arriving.write_text(json.dumps(asdict(layer)))
        arriving.replace(file)

    def reason_for_miss(self, key: LayerKey) -> str:
        """Say why there is no layer: which parts differ from the newest layer of the same title."""
        for folder in sorted(self.folder.iterdir(), key=_used, reverse=True):
            layer = _read(folder)
            if layer and layer.title == key.title:
                return key.difference(layer.parts)
        return "never built before"

    def save(
        self,
        workspace: Workspace,
        key: LayerKey,
        source: Path,
        facts: dict[str, Any],
    ) -> None:
        """Keep what the folder ``source`` of the workspace holds, whiteouts and attributes included."""
        with self.arriving(workspace) as arrived:
            workspace.run(["cp", "--archive", "--", str(source), str(arrived / _TREE)])
            size = _measured(workspace, arrived / _TREE)
            layer = Layer(key.digest, key.title, dict(key.parts), size, _boot(), facts)
            (arrived / _RECORD).write_text(json.dumps(asdict(layer)))
            place = self.folder / key.digest
            if self.find(key, workspace) is None:
                self._clear(workspace, place)
            arrived.rename(place)

    @contextlib.contextmanager
    def arriving(self, workspace: Workspace) -> Iterator[Path]:
        """Give a new locked folder that the workspace's root owns; what is not renamed in the end is removed."""
        with contextlib.ExitStack() as stack:
            folder = self._make_locked(stack)
            workspace.own(folder)
            try:
                yield folder
            except OSError as failure:
                if failure.errno not in _TAKEN:
                    raise
            finally:
                if folder.exists():
                    _remove(workspace, folder)

    def _make_locked(self, stack: contextlib.ExitStack) -> Path:
        """Make a folder that is locked as long as the stack: anew when a sweep took it for a leftover before that."""
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=self.folder))
            with contextlib.suppress(FileNotFoundError):
                lock = stack.enter_context(_opened(folder))
                fcntl.flock(lock, fcntl.LOCK_SH)
                if os.fstat(lock).st_nlink:
                    return folder

    def leftovers(self) -> Iterator[Path]:
        """Yield the folders of layers that processes, perhaps killed ones, were about to keep."""
        return self.folder.glob(f"{_ARRIVING}*")

    def sweep(self, workspace: Workspace) -> None:
        """Remove the layers that killed processes were about to keep."""
        for folder in self.leftovers():
            self._clear(workspace, folder)

    def _clear(self, workspace: Workspace, place: Path) -> None:
        """Make room where a damaged layer, or one of an older version of ours, stands in the way."""
        with contextlib.suppress(FileNotFoundError, BlockingIOError), _opened(place) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(workspace, place)

    def collect(self, workspace: Workspace, *, older_than: float) -> list[tuple[str, int]]:
        """Remove layers that were last used before that time, and leftovers; return (title, bytes) of each layer."""
        removed = []
        for folder in self.folder.iterdir():
            if not folder.is_dir():
                if _used(folder) < older_than:
                    folder.unlink(missing_ok=True)
                continue
            layer = _read(folder)
            if not folder.name.startswith(".") and layer and _used(folder) >= older_than:
                continue
            with _opened(folder) as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                _remove(workspace, folder)
            if layer:
                removed.append((layer.title, layer.size))
        return removed


_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)
"""What a rename says when another build has kept the same layer meanwhile."""


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield opened
    finally:
        os.close(opened)


def _measured(workspace: Workspace, tree: Path) -> int:
    """Return the bytes of all files, the empty ends and holes in them included."""
    return int(workspace.run(["du", "--summarize", "--bytes", str(tree)]).stdout.split()[0])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _remove(workspace: Workspace, folder: Path) -> None:
    """Remove a layer's folder, its record first, so that whoever sees half of it sees no layer."""
    (folder / _RECORD).unlink(missing_ok=True)
    workspace.call(empty_folder, folder)
    folder.rmdir()


def _read(folder: Path) -> Layer | None:
    """Return the layer that a folder holds; one that is gone or damaged holds none."""
    try:
        return Layer(**json.loads((folder / _RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _used(path: Path) -> float:
    """Return when a layer was last used, 0 when another process has removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
