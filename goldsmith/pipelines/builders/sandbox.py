"""A build's instance that is a tree in namespaces: layers over the parent, the same as `goldsmith build` lays."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query
from goldsmith.disks.boot import boot_files
from goldsmith.disks.plan import DiskPlan
from goldsmith.guests.workspace import Workspace
from goldsmith.pipelines.bake import furnish_disk
from goldsmith.pipelines.builders.console import telling
from goldsmith.pipelines.builders.ending import ended_by
from goldsmith.pipelines.builders.inventory import read_inventory
from goldsmith.pipelines.builders.live_tree import TREES, LiveTree
from goldsmith.pipelines.builders.pinned import ami_parent, archives_of, disk_bytes, find_parent
from goldsmith.pipelines.builders.record import Deed, InstanceRecord
from goldsmith.pipelines.builders.search import NEITHER
from goldsmith.pipelines.builders.services import services_of
from goldsmith.pipelines.builders.work import Work, kept_accounts
from goldsmith.pipelines.distribution.naming import output_description, output_name, output_tags
from goldsmith.pipelines.growing_tree import GrowingTree
from goldsmith.pipelines.home import memory_for_work
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.plan import disk_identity
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.sealed_disk import raw_file, write_disk
from goldsmith.pipelines.workflows.action import NothingToDoError
from goldsmith.trees.layers import LayerStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.pipelines.builders.commands import ShellScript
    from goldsmith.pipelines.builders.instance import Inventory
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.plan import Parent
    from goldsmith.pipelines.workflows.action import StepRun
    from goldsmith.pipelines.world import World


def sandbox_id(step: str) -> str:
    """Return the instance id of the sandbox that a step execution launches."""
    return f"i-{hashlib.sha256(step.encode()).hexdigest()[:17]}"


class Sandbox:
    """A sandbox as one step sees it. What is done to it is recorded when it is done, and done once for a step's id."""

    def __init__(self, step: StepRun, record: InstanceRecord) -> None:
        self.id = record.id
        self._step = step
        self._record = record
        self._home = step.world.home
        self._build = step.image.folder(step.world.home)
        self._work = Work(step, services_of(step, _metadata(step, record.id)))

    @classmethod
    def launch(cls, step: StepRun) -> Sandbox:
        """Lay the parent of the step's image, once for the step's id."""
        identifier = sandbox_id(step.id)
        record = InstanceRecord.load(step.image.folder(step.world.home), identifier)
        override = str(step.inputs.get("imageIdOverride") or "")
        if record is None and override:
            record = InstanceRecord(
                identifier, "sandbox", ami=override, map=ami_parent(step.world, step.image, override).map
            )
        sandbox = cls(step, record or InstanceRecord(identifier, "sandbox"))
        with sandbox._laid():
            pass
        return sandbox

    @classmethod
    def find(cls, step: StepRun, identifier: str) -> Sandbox | None:
        """Return the sandbox of that id that the step's build has, if it has one."""
        record = InstanceRecord.load(step.image.folder(step.world.home), identifier)
        return cls(step, record) if record and record.kind == "sandbox" else None

    def await_agent(self) -> None:
        """Return at once: a sandbox takes commands from the beginning."""

    def run_components(self) -> str:
        """Lay the layer of each component that has something to build."""
        building = [arn for arn, component in self._work.components.items() if component.builds]
        if self._step.stage != "BUILD" or not building:
            raise NothingToDoError
        with self._laid() as here:
            for arn in building:
                if not self._record.done("component", self._step.id, arn):
                    self._do(here, Deed("component", self._step.id, arn))
            here.tree.keep()
        return f"{len(building)} components were built."

    def run_script(self, script: ShellScript) -> str:  # noqa: ARG002 - it is in the step's inputs, which are recorded
        """Run the step's script in a layer of its own."""
        with self._laid() as here:
            if not self._record.done("command", self._step.id):
                self._do(here, Deed("command", self._step.id, inputs=dict(self._step.inputs), run=uuid.uuid4().hex))
            here.tree.keep()
        done = self._record.done("command", self._step.id)
        return str(done.outputs["output"]) if done else ""

    def sanitize(self) -> str:
        """Clean the tree; what was missed is found when an image is made of it."""
        with self._laid() as here:
            if not self._record.done("cleanup", self._step.id):
                self._do(here, Deed("cleanup", self._step.id))
        return "Sanitize OK\n"

    def inspect(self) -> Inventory:
        """Read the tree's own files."""
        with self._laid() as here:
            return here.tree.look(read_inventory)

    def create_image(self) -> str:
        """Make a disk of the tree and keep it as an AMI. A tree that was cleaned is searched for leftovers meanwhile.

        The sandbox is laid anew for whatever comes after it: the disk's own files are not in its tree.
        """
        step, image = self._step, self._step.image
        with self._laid(spent=True) as here:
            stages, tree = here.tree.stages, here.tree
            identity = disk_identity(image.slug, image.parent.written)
            plan = DiskPlan.derive(identity, tree.epoch, disk_bytes(image, tree.parent))
            with stages.stage("seal"), tree.sealing() as guest:
                furnish_disk(guest, boot_files(plan), tree.epoch)
            if here.skipped is None:
                step.say(NEITHER)
            allow = tuple(image.cleanup.get("allow") or ())
            scan = None if here.skipped is None else partial(tree.scan, here.skipped, allow, kept_accounts(image, tree))
            with raw_file(self._build, in_memory=bool(here.workspace.memory)) as raw:
                write_disk(tree, plan, raw, stages, scan=scan)
                with stages.stage("store") as stage:
                    ami = step.world.keep_disk(
                        image.account, image.region, raw, token=step.id, name=output_name(image), facts=self._facts()
                    )
                    stage.note = ami
            tree.keep()
        return ami

    def kept(self, *, terminates: bool) -> bool:
        """Return False: a sandbox ends in any case, and what it leaves to look into are its logs."""
        if not terminates:
            self._step.say(f"A sandbox has nothing to look into afterwards but its logs: {self._build}")
        return False

    def terminate(self, *, wait: bool) -> None:  # noqa: ARG002 - it is always gone on return
        """End the sandbox."""
        if waiting := TREES.take(self._build, self.id):
            waiting.close()
        self._record.remove(self._build)

    @contextmanager
    def _laid(self, *, spent: bool = False) -> Iterator[LiveTree]:
        """Give the sandbox with all its layers: the one that waits, or one laid from the record.

        It waits again afterwards, unless it is ``spent`` or something went wrong.
        """
        here = TREES.take(self._build, self.id) or self._open()
        try:
            here.tree.stages = Stages(telling(self._step.say))
            here.tree.logs = self._step.logs
            with ended_by(self._step.stop, here.workspace.kill):
                if not here.laid:
                    self._lay_all(here)
                yield here
        except BaseException:
            here.close()
            raise
        if spent:
            here.close()
        else:
            TREES.give_back(self._build, self.id, here)

    def _open(self) -> LiveTree:
        """Make an empty workspace with a tree to grow in it."""
        with ExitStack() as stack:
            workspace = stack.enter_context(Workspace(self._home.path, memory=memory_for_work()))
            stages = Stages(telling(self._step.say))
            tree = stack.enter_context(GrowingTree(self._parent(), self._home, workspace, stages, self._step.logs))
            return LiveTree(workspace, tree, resources=stack.pop_all())

    def _parent(self) -> Parent:
        """Return the parent as it was when the sandbox was launched; as it is now where its layer is gone."""
        image, world, record = self._step.image, self._step.world, self._record
        pinned = PinnedParent("ami", record.ami, record.ami, record.map) if record.ami else image.parent
        if record.archives:
            parent = find_parent(pinned, image, world, record.archives)
            if LayerStore(self._home.layers).has(parent.key):
                return parent
            self._record = replace(record, archives=())
        return find_parent(pinned, image, world)

    def _lay_all(self, here: LiveTree) -> None:
        """Lay the parent and all that the record tells."""
        here.lay_parent()
        if not self._record.archives:
            self._remember(replace(self._record, archives=archives_of(here.tree.parent)))
        for deed in self._record.deeds:
            self._work.do(here, deed)

    def _do(self, here: LiveTree, deed: Deed) -> None:
        """Do something to the tree, and record that it is done."""
        done = self._work.do(here, deed)
        self._remember(self._record.with_deed(done))

    def _remember(self, record: InstanceRecord) -> None:
        self._record = record
        record.save(self._build)

    def _facts(self) -> dict[str, Any]:
        """Return what the AMI says of itself, and with which earlier one it probably shares blocks."""
        image = self._step.image
        return {
            "description": output_description(image),
            "tags": output_tags(image),
            "earlier": earlier_ami(self._step.world, image),
        }


def earlier_ami(world: World, image: ImageRun) -> str:
    """Return the AMI of the newest available build of the image in its region, "" for none."""
    with world.catalog(image.account, image.region, writes=False) as catalog:
        query = Query("image-build", prefix=f"{image.slug}/", states=("AVAILABLE",), owners=(image.account,))
        builds = list(catalog.find(query))
    for build in reversed(builds):
        for ami in (build.document.get("outputResources") or {}).get("amis") or ():
            if ami.get("region") == image.region:
                return str(ami["image"])
    return ""


def _metadata(step: StepRun, identifier: str) -> dict[str, str]:
    """Return what a sandbox has of an instance's metadata, by path below meta-data."""
    return {"instance-id": identifier, "placement/region": step.image.region}
