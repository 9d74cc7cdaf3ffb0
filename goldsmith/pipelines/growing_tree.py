"""A tree that grows layer by layer in a workspace: each is taken from the cache, or made here and kept.

A layer that was made is examined and kept in the background while the next one is made. Examining finds what of
it the scan of the sealed tree will have to read, so that only this, and not the whole tree, is read in the end.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.pipelines.parent_files import ParentFiles
from goldsmith.pipelines.plan import BootstrapParent
from goldsmith.trees.accounts import read_accounts
from goldsmith.trees.inventory import changed_packages, installed
from goldsmith.trees.kernels import settle_kernels
from goldsmith.trees.layers import LayerStore
from goldsmith.trees.package_cache import PackageCache
from goldsmith.trees.scan.digest import RULES_DIGEST
from goldsmith.trees.scan.run import scan, suspects
from goldsmith.trees.tree import SCAFFOLD, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import Parent
    from goldsmith.pipelines.progress import Stage, Stages
    from goldsmith.trees.layers import Layer, LayerKey
    from goldsmith.trees.scan.finding import ScanReport


T = TypeVar("T")

APT_OPTIONS = 'DPkg::Options:: "--force-unsafe-io";\nAcquire::Languages "none";\n'
"""dpkg need not wait for a disk, as a build that is cut short is thrown away whole; nobody reads translations in it."""


SHOWN_CHANGES = 3


@dataclass
class GrowingTree:
    """Layers over a parent in a workspace. ``logs`` is where the bootstrap's log goes.

    ``epoch`` is the time that everything newer gets, ``baseline`` are the parent's accounts, and ``updates`` are the
    packages that each layer changed; they are known when the layers are laid.
    """

    parent: Parent
    home: Home
    workspace: Workspace
    stages: Stages
    logs: Path
    use_cache: bool = True
    epoch: int = 0
    baseline: frozenset[str] = frozenset()
    updates: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tree = Tree(self.workspace)
        self._laid: list[tuple[str, Path]] = []
        self._upper: Path | None = None
        self._resources = ExitStack()
        self._saving: list[Future[None]] = []
        self._suspects: list[Future[tuple[str, ...]]] = []
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._apt_conf = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._store = LayerStore(self.home.layers)
            stack.callback(self._store.close)
            stack.callback(self._pool.shutdown, cancel_futures=True)
            if isinstance(self.parent, BootstrapParent):
                cache = PackageCache(self.home.packages, self.parent.distribution.archives)
                self._apt_conf = stack.enter_context(cache).apt_conf
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    @property
    def root(self) -> Path:
        """Where the sealed tree is mounted in the workspace."""
        return self._tree.root

    @property
    def layers(self) -> list[tuple[str, Path]]:
        """What was laid, from the bottom up, as titles and folders of the workspace; the sealing's changes last."""
        return [*self._laid, *([("the sealing", self._upper)] if self._upper else [])]

    def lay_parent(self) -> None:
        """Lay the parent, from the cache or by making it."""
        self._tree.scaffold({**SCAFFOLD, "etc/resolv.conf": (_host_resolver(), 0o644)})
        key = self.parent.key
        with self.stages.stage(key.title) as stage:
            if self._restored(key, stage):
                return
            folder = self._tree.next_folder()
            making = ParentFiles(self.workspace, folder, self.home.path, self.logs, self._apt_conf)
            self.epoch = making.lay(self.parent, stage)
            self._tree.clamp_times(folder, self.epoch)
            self.baseline = self.workspace.call(read_accounts, chroot=folder)
            self._finish_layer(key, folder, {"epoch": self.epoch, "users": sorted(self.baseline)})

    def lay(self, key: LayerKey, make: Callable[[SandboxGuest, Stage], None], *, anew: str = "") -> None:
        """Lay a layer over all others, from the cache or by what ``make`` does in a guest.

        ``anew`` is why it may not be taken from the cache. After what ``make`` raises, the tree is of no use.
        """
        with self.stages.stage(key.title) as stage:
            if anew:
                stage.note = f"built: {anew}"
                stage.say(stage.note)
            elif self._restored(key, stage):
                return
            upper = self._tree.open(scaffold=True)
            before = self.workspace.call(installed, Path("/"), chroot=self.root)
            try:
                with SandboxGuest(self.workspace, self.root, apt_conf=self._apt_conf + APT_OPTIONS) as guest:
                    make(guest, stage)
                    settle_kernels(guest, epoch=self.epoch)
                after = self.workspace.call(installed, Path("/"), chroot=self.root)
            finally:
                self._tree.close()
            changes = [str(change) for change in changed_packages(before, after)]
            stage.note = f"{stage.note}; {_counted(changes)}" if changes else stage.note
            self.updates += [{"layer": key.title, "change": change} for change in changes]
            self._tree.clamp_times(upper, self.epoch)
            self._finish_layer(key, upper, {"packages": changes})

    @contextmanager
    def sandbox(self) -> Iterator[SandboxGuest]:
        """Give a guest over all that was laid; what it changes is thrown away."""
        self._tree.open(scaffold=True)
        try:
            with SandboxGuest(self.workspace, self.root, apt_conf=self._apt_conf + APT_OPTIONS) as guest:
                yield guest
        finally:
            self._tree.close()

    def look(self, function: Callable[[Path], T]) -> T:
        """Return what a function finds in the tree, which is all that it sees."""
        self._tree.open(scaffold=False)
        try:
            return self.workspace.call(function, Path("/"), chroot=self.root)
        finally:
            self._tree.close()

    @contextmanager
    def sealing(self) -> Iterator[SandboxGuest]:
        """Give a guest over the tree as it will be; what it changes is on top of it, and it stays mounted at `root`."""
        upper = self._upper = self._tree.open(scaffold=False)
        with SandboxGuest(self.workspace, self.root, apt_conf=self._apt_conf) as guest:
            yield guest
        self._tree.clamp_times(upper, self.epoch)
        self._suspects.append(self._examined(upper))

    def unseal(self) -> None:
        """Make what the sealing changed a layer under those to come; it is not kept."""
        self._tree.close()
        if self._upper:
            self._tree.add(self._upper)
            self._laid.append(("the sealing", self._upper))
            self._upper = None

    def scan(self, skipped: frozenset[str], allow: tuple[str, ...], accounts: frozenset[str] | None) -> ScanReport:
        """Look through the sealed tree for what no image may carry.

        ``skipped`` are the cleanup rules that did not run, ``allow`` the paths that may be there, ``accounts`` the only
        people's accounts that may be (None for any).
        """
        suspected = sorted({path for each in self._suspects for path in each.result()})
        return self.workspace.call(scan, Path("/"), suspected, skipped, allow, accounts, chroot=self.root)

    def keep(self) -> None:
        """Wait until every new layer is in the cache."""
        for saving in self._saving:
            saving.result()

    def _restored(self, key: LayerKey, stage: Stage) -> bool:
        """Take the layer from the cache where it is there and wanted; say why not otherwise."""
        layer = self._store.find(key, self.workspace) if self.use_cache else None
        if layer is None:
            reason = self._store.reason_for_miss(key) if self.use_cache else "the cache is off"
            stage.note = f"built: {reason}"
            stage.say(f"not in the cache: {reason}")
            return False
        self._tree.add(self._store.tree(layer))
        self._laid.append((key.title, self._store.tree(layer)))
        self._examine_restored(layer)
        if "epoch" in layer.facts:
            self.epoch = layer.facts["epoch"]
            self.baseline = frozenset(layer.facts["users"])
        self.updates += [{"layer": key.title, "change": change} for change in layer.facts.get("packages", ())]
        stage.note = "from the cache: nothing that goes into it has changed"
        return True

    def _finish_layer(self, key: LayerKey, folder: Path, facts: dict[str, Any]) -> None:
        self._tree.add(folder)
        self._laid.append((key.title, folder))
        examined = self._examined(folder)
        self._suspects.append(examined)

        def save() -> None:
            found = {"rules": RULES_DIGEST, "suspects": examined.result()}
            self._store.save(self.workspace, key, folder, {**facts, **found})

        self._saving.append(self._pool.submit(save))

    def _examine_restored(self, layer: Layer) -> None:
        """Take the layer's suspects from its record, or find them anew where other rules found those."""
        if layer.facts.get("rules") == RULES_DIGEST:
            known: Future[tuple[str, ...]] = Future()
            known.set_result(tuple(layer.facts["suspects"]))
            self._suspects.append(known)
            return
        examined = self._examined(self._store.tree(layer))
        self._suspects.append(examined)

        def amend() -> None:
            found = {"rules": RULES_DIGEST, "suspects": examined.result()}
            self._store.amend(layer, {**layer.facts, **found})

        self._saving.append(self._pool.submit(amend))

    def _examined(self, folder: Path) -> Future[tuple[str, ...]]:
        return self._pool.submit(lambda: self.workspace.call(suspects, Path("/"), chroot=folder))


def _host_resolver() -> str:
    """How the host resolves names: what the guest needs while it is built, over whatever the tree has."""
    file = Path("/etc/resolv.conf")
    return file.read_text() if file.is_file() else ""


def _counted(changes: list[str]) -> str:
    few = ", ".join(changes[:SHOWN_CHANGES])
    return f"packages: {few}" + (f" and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else "")
