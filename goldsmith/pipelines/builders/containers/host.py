"""The instance that a container is built, tried and pushed on: a sandbox of Debian with a container engine in it.

Each step has a sandbox of its own, laid from the cache, and ends it: between steps there is only the image, a file in
the build's folder. So nothing that a component did is there when logins of a registry are, and a killed server leaves
nothing but that file.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from goldsmith.documents.arns import Arn
from goldsmith.guests.workspace import Workspace
from goldsmith.oci.blobs import OciError
from goldsmith.oci.layout import write_oci_archive
from goldsmith.oci.opened import opened_image
from goldsmith.oci.reference import Reference
from goldsmith.pipelines.builders.components import run_phases
from goldsmith.pipelines.builders.console import ConsoleLog, telling
from goldsmith.pipelines.builders.containers.archives import container_archive
from goldsmith.pipelines.builders.containers.engine import PACKAGES, Engine
from goldsmith.pipelines.builders.ending import ended_by
from goldsmith.pipelines.builders.pinned import ami_parent, find_parent, read_component
from goldsmith.pipelines.builders.record import FOLDER, InstanceRecord
from goldsmith.pipelines.builders.services import services_of
from goldsmith.pipelines.growing_tree import GrowingTree
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.plan import BUILD_PHASES
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError
from goldsmith.trees.layers import LayerKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goldsmith.executor.services import Services
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.builders.commands import ShellScript
    from goldsmith.pipelines.builders.instance import Inventory
    from goldsmith.pipelines.plan import PlannedComponent
    from goldsmith.pipelines.progress import Stage
    from goldsmith.pipelines.workflows.action import StepRun

KIND = "DOCKER"
SYSTEM = PinnedParent("bootstrap", "debian/12", "debian/12")
"""What a host is made of where the recipe's instanceConfiguration names no AMI."""

HOST_TEST = "container-host-test"
"""The phase that is run on the host when the container is tested (4.2)."""

LAYOUT = "oci"
FILES = (LAYOUT, "oci-archive", "docker-archive")
"""What stands before the path of a parent image in a file (containers-transports(5))."""

INSTALL = f"apt-get -q update && apt-get -q -y --no-install-recommends install {' '.join(PACKAGES)}"

_PURGE = (
    "rm -rf /var/cache/apt/archives/*.deb /var/cache/apt/*.bin /var/lib/apt/lists/* "
    "/var/cache/dnf/* /var/cache/yum/* /var/cache/apk/*"
)
"""Package managers' caches, which Image Builder's own cleanup of containers takes away as well (6.2)."""


def remove_images(build: Path) -> None:
    """Remove the containers that a build, which has ended, had between its steps, whole or not."""
    for left in (build / FOLDER).glob("*.tar"):
        left.unlink(missing_ok=True)


def host_id(step: str) -> str:
    """Return the instance id of the host that a step execution launches."""
    return f"i-{hashlib.sha256(f'container host {step}'.encode()).hexdigest()[:17]}"


class ContainerHost:
    """A container's host as one step sees it."""

    def __init__(self, step: StepRun, record: InstanceRecord) -> None:
        self.id = record.id
        self._step = step
        self._record = record
        self._home = step.world.home
        self._build = step.image.folder(step.world.home)
        self._image = self._build / FOLDER / f"{record.id}.tar"

    @classmethod
    def launch(cls, step: StepRun) -> ContainerHost:
        """Lay the host's system, once for the step's id."""
        build, identifier = step.image.folder(step.world.home), host_id(step.id)
        record = InstanceRecord.load(build, identifier)
        if record is None:
            named = str((step.image.recipe.get("instanceConfiguration") or {}).get("image") or "")
            disk = ami_parent(step.world, step.image, named).map if named else ""
            record = InstanceRecord(identifier, "container", ami=named, map=disk)
            record.save(build)
        return cls(step, record)

    @classmethod
    def find(cls, step: StepRun, identifier: str) -> ContainerHost | None:
        """Return the host of that id that the step's build has, if it has one."""
        record = InstanceRecord.load(step.image.folder(step.world.home), identifier)
        return cls(step, record) if record and record.kind == "container" else None

    def await_agent(self) -> None:
        """Return at once: a sandbox takes commands from the beginning."""

    def bootstrap(self) -> str:
        """Make the host ready: its system with the engine is laid, and kept for the steps that follow."""
        with self._engine():
            pass
        return "Container host is ready\n"

    def run_components(self) -> str:
        """Build the container, or test it, by the step's stage; say what was done. Raises NothingToDoError."""
        services = services_of(self._step, {"instance-id": self.id, "placement/region": self._step.image.region})
        components = [read_component(pinned, services) for pinned in self._step.image.components]
        if self._step.stage == "BUILD":
            return self._build_image([each for each in components if each.builds], services)
        return self._test_image(components, services)

    @contextmanager
    def carrying(self) -> Iterator[Engine]:
        """Give an engine to which the built image was brought, to be sent on. Raises ActionFailedError without one."""
        self._require_image()
        with self._engine() as engine:
            engine.load(self._image, stored=False)
            yield engine

    def run_script(self, script: ShellScript) -> str:  # noqa: ARG002 - as of every instance
        """Refuse: what it did would be gone with the step."""
        self._refuse("RunCommand", "a container's host is new for every step", "a component")

    def sanitize(self) -> str:
        """Refuse: what a container carries is what its Dockerfile and its components leave."""
        self._refuse("SanitizeInstance", "a container has nothing of a machine to clean", "a component that cleans up")

    def inspect(self) -> Inventory:
        """Refuse: the host's packages are not the container's."""
        self._refuse("CollectImageMetadata", "its host's packages are not the container's", "a condition on imageType")

    def create_image(self) -> str:
        """Refuse: a container's host is nobody's AMI."""
        self._refuse("CreateImage", "a container is no disk", "an image recipe")

    def kept(self, *, terminates: bool) -> bool:
        """Return False: a host ends in any case, and what it leaves to look into are its logs."""
        if not terminates:
            self._step.say(f"A container's host has nothing to look into afterwards but its logs: {self._build}")
        return False

    def terminate(self, *, wait: bool) -> None:  # noqa: ARG002 - it is always gone on return
        """End the host, and remove the image as it was here."""
        self._image.unlink(missing_ok=True)
        self._record.remove(self._build)

    def _build_image(self, building: Sequence[PlannedComponent], services: Services) -> str:
        said = f"The container was built with {len(building)} components."
        if self._image.exists():  # by a step that was cut off before it was known to have ended
            return said

        def work(container: Guest) -> None:
            self._run_all(building, container, services, BUILD_PHASES, "BUILDING")
            container.run(["sh", "-c", _PURGE])

        with self._engine() as engine:
            self._bring_parent(engine)
            template = str(self._step.image.recipe.get("dockerfileTemplateData") or "")
            with self._stages.stage("container"):
                engine.build(template, components=work if building else None)
            self._keep(engine)
        return said

    def _keep(self, engine: Engine) -> None:
        self._image.parent.mkdir(parents=True, exist_ok=True)
        arriving = self._image.with_name(f".{self._image.name}")
        try:
            with arriving.open("wb") as file:
                engine.save(file)
            arriving.replace(self._image)
        finally:
            arriving.unlink(missing_ok=True)

    def _test_image(self, components: Sequence[PlannedComponent], services: Services) -> str:
        self._require_image()
        inside = [each for each in components if each.tests]
        outside = [each for each in components if each.document.phase(HOST_TEST)]
        if not inside and not outside:
            raise NothingToDoError
        with self._engine() as engine:
            engine.load(self._image, stored=True)
            if inside:
                engine.run(lambda container: self._run_all(inside, container, services, ("test",), "TESTING"))
            self._run_all(outside, engine.guest, services, (HOST_TEST,), "TESTING")
        return f"{len(inside)} components were tested in the container, and {len(outside)} on its host."

    def _run_all(
        self,
        components: Sequence[PlannedComponent],
        guest: Guest,
        services: Services,
        phases: Sequence[str],
        told: str,
    ) -> None:
        for component in components:
            with self._stages.stage(f"component {component.reference}") as stage:
                run_phases(self._step, component, guest, stage, services, phases=phases, told=told)

    def _bring_parent(self, engine: Engine) -> None:
        image, world = self._step.image, self._step.world
        written = image.parent.reference
        if written == "scratch":
            raise ActionFailedError(
                "The parent image scratch is empty: there is no shell in it that a component could use.",
                mend="Name a container image.",
            )
        kind, _, path = written.partition(":")
        if kind in FILES and not path.startswith("//"):
            file = Path(path)
            if image.parent.image_arn:
                file = container_archive(self._home, Arn.parse(image.parent.image_arn).account, image.region, file)
            if kind == LAYOUT:
                self._load_layout(engine, file)
            else:
                engine.load_parent(kind, file)
            return
        reference, registry = Reference.parse(written), None
        for region in filter(None, (reference.ecr_region, image.region)):
            registry = world.registry(region)
            if registry and reference.ecr_region:
                host, _, below = registry.place(image.account).partition("/")
                path = f"{below}/{reference.path}" if below else reference.path
                reference = Reference(host, path, reference.tag, reference.digest)
            if registry:
                break
        own = registry if registry and registry.place(image.account).split("/")[0] == reference.host else None
        with self._stages.stage(f"parent {image.parent.written}"):
            engine.pull(reference, own)

    def _load_layout(self, engine: Engine, folder: Path) -> None:
        """Bring a layout's folder to the host as the one file of an archive, verified."""
        try:
            with opened_image(f"{LAYOUT}:{folder}") as image, TemporaryFile(dir=self._home.path) as archive:
                write_oci_archive(image, cast("BinaryIO", archive))
                archive.flush()
                engine.load_parent("oci-archive", Path(f"/proc/self/fd/{archive.fileno()}"))
        except OciError as wrong:
            raise ActionFailedError(wrong.message, mend="Mend the recipe's parentImage.") from wrong

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        """Give an engine on a host of its own, which ends with the block or when the step is to end."""
        memory = memory_for_work()
        self._stages = Stages(telling(self._step.say))
        with Workspace(self._home.path, memory=memory) as workspace, ended_by(self._step.stop, workspace.kill):
            parent = find_parent(self._system(), self._step.image, self._step.world)
            with GrowingTree(parent, self._home, workspace, self._stages, self._step.logs) as tree:
                tree.lay_parent()
                installed = {"the layer below": parent.key.digest, "command": INSTALL}
                tree.lay(LayerKey("container engine", installed), self._install)
                tree.keep()
                with tree.sandbox() as guest, ConsoleLog(self._step.logs) as console:
                    yield Engine(guest, console.output, memory=memory)

    def _system(self) -> PinnedParent:
        ami = self._record.ami
        return PinnedParent("ami", ami, ami, self._record.map) if ami else SYSTEM

    def _install(self, guest: Guest, stage: Stage) -> None:
        stage.say(f"installing {' and '.join(PACKAGES)}")
        with ConsoleLog(self._step.logs) as console:
            done = guest.run(["sh", "-c", INSTALL], on_output=console.output)
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-5:]
            raise ActionFailedError(
                f"Unable to bootstrap the container host: {' '.join(said)}",
                mend="A host of the recipe's instanceConfiguration is a Debian that has buildah and skopeo.",
            )

    def _require_image(self) -> None:
        if not self._image.exists():
            raise ActionFailedError(
                f"The instance {self.id} has built no container yet.",
                mend="Have ExecuteComponents run in the BUILD stage before the container is tested or distributed.",
            )

    def _refuse(self, action: str, why: str, instead: str) -> NoReturn:
        raise ActionFailedError(f"{action} cannot be done for a container image: {why}.", mend=f"Use {instead}.")
