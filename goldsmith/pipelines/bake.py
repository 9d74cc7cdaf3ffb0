"""From a plan to a sealed tree: layers laid or built one on the other, then cleaned and looked through.

A layer that was built is examined and kept in the background while the next one is built. Examining finds what of
it the scan of the sealed tree will have to read, so that only this, and not the whole tree, is read in the end.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from goldsmith.disks.tree_files import export_tree
from goldsmith.errors import GoldsmithError
from goldsmith.executor.events import StepStarted
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.run import run_documents
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.pipelines.plan import BUILD_PHASES, BootstrapParent, FileParent
from goldsmith.trees.accounts import read_accounts, settle_shadow
from goldsmith.trees.bootstrap import bootstrap, furnish
from goldsmith.trees.cleanup.run import CleanupReport, clean
from goldsmith.trees.inventory import changed_packages, installed, packages
from goldsmith.trees.kernels import settle_kernels
from goldsmith.trees.layers import LayerStore
from goldsmith.trees.package_cache import PackageCache
from goldsmith.trees.scan.digest import RULES_DIGEST
from goldsmith.trees.scan.run import scan, suspects
from goldsmith.trees.tree import SCAFFOLD, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.executor.failures import Failure
    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import BuildPlan, PlannedComponent
    from goldsmith.pipelines.progress import Stage, Stages
    from goldsmith.trees.distributions import Distribution
    from goldsmith.trees.inventory import Package
    from goldsmith.trees.layers import Layer, LayerKey
    from goldsmith.trees.scan.finding import ScanReport


APT_OPTIONS = 'DPkg::Options:: "--force-unsafe-io";\nAcquire::Languages "none";\n'
"""dpkg need not wait for a disk, as a build that is cut short is thrown away whole; nobody reads translations in it."""


SHOWN_CHANGES = 3


class StepFailedError(GoldsmithError):
    """A step of a component failed: which, what it said, and where the whole log is."""

    def __init__(self, failure: Failure, *, where: str, logs: Path) -> None:
        self.failure = failure
        self.logs = logs
        stderr = "".join(f"\n    {line}" for line in failure.stderr.strip().splitlines()[-20:])
        super().__init__(
            f"The step {failure.step} ({failure.action}) of {failure.document}, phase {failure.phase}, failed "
            f"{where}: {failure.message}{stderr}",
            mend=f"The whole log is in {logs}.",
        )


@dataclass
class Bake:
    """One bake in a workspace. ``logs`` is where the components' logs go; ``on_failure`` may look into the guest."""

    plan: BuildPlan
    home: Home
    workspace: Workspace
    stages: Stages
    logs: Path
    services: Services
    environment: dict[str, str]
    use_cache: bool = True
    on_failure: Callable[[Guest], None] | None = None
    epoch: int = 0
    updates: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._store = LayerStore(self.home.layers)
        self._tree = Tree(self.workspace)
        self._saving: list[Future[None]] = []
        self._suspects: list[Future[tuple[str, ...]]] = []
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._baseline: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._store.close()

    @property
    def root(self) -> Path:
        """Where the sealed tree is mounted in the workspace."""
        return self._tree.root

    def lay(self) -> None:
        """Bring every layer of the plan into the workspace, from the cache or by building it."""
        with self._apt() as apt_conf:
            self._tree.scaffold({**SCAFFOLD, "etc/resolv.conf": (_host_resolver(), 0o644)})
            self._lay_parent(apt_conf)
            cached = True
            for component, key in self.plan.layers:
                cached = self._lay_component(component, key, apt_conf, cached=cached)

    @contextmanager
    def sandbox(self) -> Iterator[SandboxGuest]:
        """Give a guest over all that was laid; what it changes is thrown away."""
        with self._apt() as apt_conf:
            self._tree.open(scaffold=True)
            try:
                with SandboxGuest(self.workspace, self.root, apt_conf=apt_conf + APT_OPTIONS) as guest:
                    yield guest
            finally:
                self._tree.close()

    @contextmanager
    def _apt(self) -> Iterator[str]:
        """Run the package cache for the parent's archives; give the configuration that sends apt there."""
        if not isinstance(self.plan.parent, BootstrapParent):
            yield ""
            return
        with PackageCache(self.home.packages, self.plan.parent.distribution.archives) as cache:
            yield cache.apt_conf

    def seal(self, files: dict[str, str]) -> tuple[CleanupReport, tuple[Package, ...]]:
        """Clean the tree, write the disk's own files into it, set its times, and take its inventory."""
        upper = self._tree.open(scaffold=False)
        with self._apt() as apt_conf, SandboxGuest(self.workspace, self.root, apt_conf=apt_conf) as guest:
            report = clean(
                guest,
                working_directory=self.plan.working_directory,
                skip=self.plan.skip_cleanup,
                enable=self.plan.enable_cleanup,
                baseline_users=self._accounts,
            )
            settle_shadow(guest, epoch=self.epoch)
            for path, text in files.items():
                guest.run(["mkdir", "-p", path.rpartition("/")[0]])
                guest.put(path, text.encode())
        self._tree.clamp_times(upper, self.epoch)
        self._suspects.append(self._examined(upper))
        return report, self.workspace.call(packages, Path("/"), chroot=self.root)

    def scan(self, skipped: frozenset[str]) -> ScanReport:
        """Look through the sealed tree for what no image may carry; ``skipped`` are the cleanup rules that were."""
        suspected = sorted({path for each in self._suspects for path in each.result()})
        asked = (suspected, skipped, self.plan.allow, self._accounts)
        return self.workspace.call(scan, Path("/"), *asked, chroot=self.root)

    @property
    def _accounts(self) -> frozenset[str] | None:
        """The only people's accounts that may stay; None for any."""
        return self._baseline if self.plan.remove_accounts else None

    def keep(self) -> None:
        """Wait until every new layer is in the cache."""
        for saving in self._saving:
            saving.result()

    def _lay_parent(self, apt_conf: str) -> None:
        key = self.plan.parent.key
        with self.stages.stage(key.title) as stage:
            if self._restored(key, stage):
                return
            folder = self._tree.next_folder()
            if isinstance(self.plan.parent, FileParent):
                self._import(self.plan.parent, folder)
            else:
                self._bootstrap(self.plan.parent.distribution, folder, apt_conf, stage)
                self.epoch = self.plan.parent.epoch
                with SandboxGuest(self.workspace, folder) as guest:
                    furnish(guest)
                    stage.say("making the initramfs")
                    settle_kernels(guest, epoch=self.epoch)
            self._tree.clamp_times(folder, self.epoch)
            users = self.workspace.call(read_accounts, chroot=folder)
            self._baseline = users
            self._finish_layer(key, folder, {"epoch": self.epoch, "users": sorted(users)})

    def _bootstrap(self, distribution: Distribution, folder: Path, apt_conf: str, stage: Stage) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / "bootstrap.log").open("w", encoding="utf-8") as log:

            def hear(line: str) -> None:
                print(line, file=log)
                if line.startswith("I: ") and not line.startswith("I: running --"):
                    stage.say(line[3:])

            bootstrap(self.workspace, distribution, folder, apt_conf=apt_conf, on_line=hear)

    def _lay_component(self, component: PlannedComponent, key: LayerKey, apt_conf: str, *, cached: bool) -> bool:
        """Lay a component's layer; return whether it is one that its key tells all about."""
        with self.stages.stage(key.title) as stage:
            if component.volatile or not cached:
                stage.note = f"built: {component.volatile or 'a layer below it is never taken from the cache'}"
                stage.say(stage.note)
            elif self._restored(key, stage):
                return True
            upper = self._tree.open(scaffold=True)
            before = self.workspace.call(installed, Path("/"), chroot=self.root)
            try:
                with SandboxGuest(self.workspace, self.root, apt_conf=apt_conf + APT_OPTIONS) as guest:
                    self._run(component, guest, stage)
                    settle_kernels(guest, epoch=self.epoch)
                after = self.workspace.call(installed, Path("/"), chroot=self.root)
            finally:
                self._tree.close()
            changes = [str(change) for change in changed_packages(before, after)]
            stage.note = f"{stage.note}; {_counted(changes)}" if changes else stage.note
            self.updates += [{"layer": key.title, "change": change} for change in changes]
            self._tree.clamp_times(upper, self.epoch)
            self._finish_layer(key, upper, {"packages": changes})
        return cached and not component.volatile

    def _run(self, component: PlannedComponent, guest: Guest, stage: Stage) -> None:
        result = run_documents(
            [DocumentRun(component.document, component.parameters)],
            guest,
            phases=BUILD_PHASES,
            log_directory=self.logs,
            services=self.services,
            environment={**self.environment, "IMAGE_PHASE": "BUILDING"},
            on_event=lambda event: (
                stage.say(f"{event.phase}: {event.step}") if isinstance(event, StepStarted) else None
            ),
        )
        if result.exit_code and result.failure:
            if self.on_failure:
                self.on_failure(guest)
            raise StepFailedError(result.failure, where="in the sandbox", logs=result.log_folder)

    def _restored(self, key: LayerKey, stage: Stage) -> bool:
        """Take the layer from the cache where it is there and wanted; say why not otherwise."""
        layer = self._store.find(key, self.workspace) if self.use_cache else None
        if layer is None:
            reason = self._store.reason_for_miss(key) if self.use_cache else "the cache is off"
            stage.note = f"built: {reason}"
            stage.say(f"not in the cache: {reason}")
            return False
        self._tree.add(self._store.tree(layer))
        self._examine_restored(layer)
        if "epoch" in layer.facts:
            self.epoch = layer.facts["epoch"]
            self._baseline = frozenset(layer.facts["users"])
        self.updates += [{"layer": key.title, "change": change} for change in layer.facts.get("packages", ())]
        stage.note = "from the cache: nothing that goes into it has changed"
        return True

    def _finish_layer(self, key: LayerKey, folder: Path, facts: dict[str, Any]) -> None:
        self._tree.add(folder)
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

    def _import(self, parent: FileParent, folder: Path) -> None:
        self.workspace.run(["mkdir", str(folder)])
        export_tree(parent.file, parent.kind, self.workspace, folder)
        self.epoch = int(
            self.workspace.run(["sh", "-c", "find . -printf '%Ts\\n' | sort -n | tail -n 1"], cwd=folder).stdout
        )


def _host_resolver() -> str:
    """How the host resolves names: what the guest needs while it is built, over whatever the tree has."""
    file = Path("/etc/resolv.conf")
    return file.read_text() if file.is_file() else ""


def _counted(changes: list[str]) -> str:
    few = ", ".join(changes[:SHOWN_CHANGES])
    return f"packages: {few}" + (f" and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else "")
