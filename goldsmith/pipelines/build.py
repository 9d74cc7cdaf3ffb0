"""One build from a pipeline file to an image: planned, baked, sealed, booted, tested, and only then there."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.images import Image, ImageStore
from goldsmith.disks.about import About
from goldsmith.disks.boot import boot_files
from goldsmith.disks.packing import Packing
from goldsmith.disks.plan import DiskPlan
from goldsmith.errors import GoldsmithError
from goldsmith.guests.workspace import Workspace
from goldsmith.machines.acceleration import probe
from goldsmith.pipelines.bake import Bake
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.outputs import Outputs
from goldsmith.pipelines.plan import BootstrapParent
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.request import Built
from goldsmith.pipelines.sealed_disk import raw_file, write_disk
from goldsmith.pipelines.trial import Trial, TrialReport
from goldsmith.trees.kernels import newest_kernel

if TYPE_CHECKING:
    from goldsmith.catalog.images import Disk
    from goldsmith.executor.services import Services
    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import BuildPlan
    from goldsmith.pipelines.progress import Listener
    from goldsmith.pipelines.request import BuildRequest
    from goldsmith.trees.cleanup.run import CleanupReport
    from goldsmith.trees.inventory import Package


class BuildFailedError(GoldsmithError):
    """A build that ended without an image; its logs and evidence are kept."""


def build(plan: BuildPlan, home: Home, request: BuildRequest, services: Services, listener: Listener) -> Built:
    """Make the image of a plan.

    Nothing is visible before everything has passed; after a failure the logs are in the home's ``failed`` folder.
    """
    store = ImageStore(home.images)
    with store.draft() as draft:
        try:
            return _build(plan, home, request, services, Stages(listener), store, draft)
        except GoldsmithError as error:
            kept = _keep_logs(draft, home)
            if kept is None:
                raise
            text = str(error.message).replace(str(draft), str(kept))
            mend = error.mend.replace(str(draft), str(kept)) or f"The logs are in {kept}."
            raise BuildFailedError(text, mend=mend) from error


def _build(
    plan: BuildPlan,
    home: Home,
    request: BuildRequest,
    services: Services,
    stages: Stages,
    store: ImageStore,
    draft: Path,
) -> Built:
    number = store.next_build(plan.name, plan.version)
    with ExitStack() as stack:
        memory = memory_for_work()
        if not memory:
            with stages.stage("workspace") as stage:
                stage.note = "on disk, which is slower: memory is short, or this kernel's tmpfs is too old (Linux 6.6)"
        workspace = stack.enter_context(Workspace(home.path, memory=memory))
        bake = stack.enter_context(
            Bake(
                plan=plan,
                home=home,
                workspace=workspace,
                stages=stages,
                logs=draft / "logs",
                services=services,
                environment=_environment(plan, number),
                use_cache=request.use_cache,
                on_failure=request.on_failure,
            )
        )
        bake.lay()
        raw = stack.enter_context(raw_file(draft, in_memory=bool(memory)))
        packing = stack.enter_context(Packing(raw, _earlier(plan, "qcow2", home)))
        cleanup, inventory, disk_plan = _seal(plan, bake, raw, packing, stages)
        trials = None
        if plan.tests_enabled:
            acceleration = _acceleration(home, bake, stages)
            environment = _environment(plan, number)
            trials = Trial(plan, home, services, stages, draft, environment, acceleration, request.on_failure)
        about = _about(plan, bake.tree.epoch, inventory)
        outputs = Outputs(about, plan.digest, raw, packing, bake.tree, draft, stages)
        disks, trial = _store_and_try(outputs, request, trials, raw)
        with stages.stage("keep layers"):
            bake.keep()
        image = _record(plan, number, disks, cleanup, inventory, trial, bake, stages, disk_plan)
        folder = store.publish(draft, image)
    return Built(image, folder)


def _seal(
    plan: BuildPlan, bake: Bake, raw: Path, packing: Packing, stages: Stages
) -> tuple[CleanupReport, tuple[Package, ...], DiskPlan]:
    """Clean, then scan the tree while the disk is made of it."""
    disk_plan = DiskPlan.derive(plan.identity, bake.tree.epoch, plan.disk_bytes)
    with stages.stage("clean") as stage:
        cleanup, inventory = bake.seal(boot_files(disk_plan))
        stage.note = f"{cleanup.removed} paths removed, {len(inventory)} packages"
    write_disk(bake.tree, disk_plan, raw, stages, scan=partial(bake.scan, cleanup.skipped), packing=packing)
    return cleanup, inventory, disk_plan


def _acceleration(home: Home, bake: Bake, stages: Stages) -> Acceleration:
    """Find out, once for each boot of this host, whether the image's own kernel runs under KVM here."""
    with tempfile.NamedTemporaryFile(prefix="goldsmith-kernel-") as file:
        kernel = bake.workspace.call(newest_kernel, chroot=bake.tree.root)
        if not kernel:
            raise BuildFailedError(
                "The image has no kernel in /boot, so it cannot boot and be tested.",
                mend="Add a component that installs one (on Debian linux-image-cloud-amd64 with systemd-sysv and "
                "cloud-init), or turn image tests off: imageTestsConfiguration: {imageTestsEnabled: false}.",
            )
        file.write(kernel)
        file.flush()
        with stages.stage("acceleration") as stage:
            found = probe(home.machines, Path(file.name))
            stage.note = f"{found.kind}: {found.reason}"
    return found


def _about(plan: BuildPlan, epoch: int, inventory: tuple[Package, ...]) -> About:
    """Return what the formats say of the image: nothing that another build of the same plan would say differently."""
    return About(
        name=plan.name,
        version=plan.version,
        description=plan.description,
        created=datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        distribution=_distribution(plan),
        epoch=epoch,
        packages=tuple(asdict(package) for package in inventory),
    )


def _distribution(plan: BuildPlan) -> str:
    return plan.parent.distribution.parent_image if isinstance(plan.parent, BootstrapParent) else ""


def _store_and_try(
    outputs: Outputs, request: BuildRequest, trials: Trial | None, raw: Path
) -> tuple[tuple[Disk, ...], TrialReport]:
    """Write the formats while the disk itself boots and is tested: the machine never waits for the compression."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        writing = pool.submit(outputs.write, request.formats)
        try:
            trial = trials.run(raw) if trials else TrialReport()
        finally:
            disks = writing.result()
    return disks, trial


def _earlier(plan: BuildPlan, name: str, home: Home) -> Path | None:
    """Return the newest disk of that image and format here: what has not changed since is taken from it."""
    store = ImageStore(home.images)
    for image in store.all():
        for disk in image.disks:
            if image.name == plan.name and disk.format == name:
                return store.path(image) / disk.file
    return None


def _record(
    plan: BuildPlan,
    number: int,
    disks: tuple[Disk, ...],
    cleanup: CleanupReport,
    inventory: tuple[Package, ...],
    trial: TrialReport,
    bake: Bake,
    stages: Stages,
    disk_plan: DiskPlan,
) -> Image:
    return Image(
        name=plan.name,
        version=plan.version,
        build=number,
        status="AVAILABLE",
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        description=plan.description,
        parent_image=plan.parent_image,
        distribution=_distribution(plan),
        plan=plan.digest,
        disk_bytes=disk_plan.size_bytes,
        disks=disks,
        components=tuple({"name": each.reference, "parameters": dict(each.parameters)} for each in plan.components),
        packages=tuple(asdict(package) for package in inventory),
        tests=trial.tests,
        boot=trial.boots,
        timings=tuple(stages.timings),
        cleanup=tuple(_outcome(outcome) for outcome in cleanup.outcomes),
        updates=tuple(bake.tree.updates),
        tags=dict(plan.tags),
    )


def _outcome(outcome: Any) -> dict[str, Any]:
    return {"rule": outcome.rule, "removed": list(outcome.removed), "skipped": outcome.skipped}


def _environment(plan: BuildPlan, number: int) -> dict[str, str]:
    """What Image Builder tells a component's commands about the build (4.3)."""
    return {"IMAGE_VERSION": plan.version, "IMAGE_BUILD_VERSION": str(number), "IMAGE_PIPELINE_ARN": ""}


def _keep_logs(draft: Path, home: Home) -> Path | None:
    """Move what a failed build wrote to where it stays; return that folder, or None where it wrote nothing."""
    kept = home.failed / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{draft.name[-6:]}"
    for name in ("logs", "evidence"):
        if (draft / name).is_dir():
            kept.mkdir(parents=True, exist_ok=True)
            shutil.move(draft / name, kept / name)
    return kept if kept.is_dir() else None
