"""A build's instance that is a machine: launched from an AMI as anybody's, reached by SSH for the time of the build."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.guests.guest import GuestError
from goldsmith.pipelines.builders.access import CONNECTIONS, Access
from goldsmith.pipelines.builders.cloud_instance import CloudInstance
from goldsmith.pipelines.builders.components import run_phases
from goldsmith.pipelines.builders.console import telling
from goldsmith.pipelines.builders.instance import Inventory
from goldsmith.pipelines.builders.inventory import os_version
from goldsmith.pipelines.builders.launching import run_instance, user_data_override
from goldsmith.pipelines.builders.pinned import read_component, working_directory
from goldsmith.pipelines.builders.quiet import UNAVOIDED, quieten
from goldsmith.pipelines.builders.record import Deed, InstanceRecord
from goldsmith.pipelines.builders.search import NEITHER, search_ami
from goldsmith.pipelines.builders.services import services_of
from goldsmith.pipelines.distribution.naming import output_description, output_name, output_tags
from goldsmith.pipelines.plan import BUILD_PHASES
from goldsmith.pipelines.progress import Stages
from goldsmith.pipelines.time_limit import TimedGuest
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError
from goldsmith.trees.cleanup.run import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.builders.commands import ShellScript
    from goldsmith.pipelines.workflows.action import StepRun

WATCHING = 5.0
"""Seconds between two looks whether a machine that does not answer is still there."""

PASSED = "STATUS_CHECK_PASSED"

_PACKAGES = """
if command -v dpkg-query >/dev/null; then
    dpkg-query --show --showformat '${db:Status-Status} ${Package} ${Version}\\n' | sed -n 's/^installed //p'
elif command -v rpm >/dev/null; then
    rpm -qa --queryformat '%{NAME} %{VERSION}-%{RELEASE}\\n'
fi
"""


class Machine:
    """A machine as one step sees it; ``access`` is what its launch made to reach it.

    ``id`` is empty where the launch did not come so far as to have an instance.
    """

    def __init__(self, step: StepRun, instance: CloudInstance, access: Access) -> None:
        self.id = instance.id
        self._step = step
        self._instance = instance
        self._access = access
        self._build = step.image.folder(step.world.home)
        self._record = InstanceRecord.load(self._build, self.id) or InstanceRecord(self.id, "machine")

    @classmethod
    def launch(cls, step: StepRun) -> Machine:
        """Launch an instance of the parent, or of the output AMI, once for the step's id, and wait for its checks."""
        ami = _ami(step)
        access = Access(step, step.id)
        group = access.make()
        instance = CloudInstance.launched_by(step, step.id)
        if not instance.id:
            instance = CloudInstance(step, run_instance(step, ami, key=access.name, group=group))
        instance.await_running(checks=step.inputs.get("healthCheck", PASSED) == PASSED)
        return cls(step, instance, access)

    @classmethod
    def find(cls, step: StepRun, identifier: str) -> Machine | None:
        """Return the machine of that id that the step's build has launched, if it has."""
        instance = CloudInstance(step, identifier)
        access = Access(step, instance.launch)
        return cls(step, instance, access) if access.there else None

    @classmethod
    def find_launched(cls, step: StepRun) -> Machine | None:
        """Return what a LaunchInstance step has made so far, if anything."""
        instance, access = CloudInstance.launched_by(step, step.id), Access(step, step.id)
        return cls(step, instance, access) if access.there else None

    def await_agent(self) -> None:
        """Wait until commands can be run and the system has finished starting."""
        with self._connected() as guest:
            done = guest.run(["systemctl", "is-system-running", "--wait"])
            self._step.say(f"The system is {done.stdout.decode(errors='replace').strip() or 'up'}.")
            if not self._record.accounts:
                names = guest.run(["cut", "-d:", "-f1", "/etc/passwd"]).stdout.decode(errors="replace").split()
                self._remember(replace(self._record, accounts=tuple(names)))

    def run_components(self) -> str:
        """Run the components' phases of the step's stage, one component after the other."""
        step = self._step
        phases, told = (("test",), "TESTING") if step.stage == "TEST" else (BUILD_PHASES, "BUILDING")
        services = services_of(step, self._instance.metadata())
        components = [read_component(pinned, services) for pinned in step.image.components]
        chosen = [each for each in components if any(each.document.phase(phase) for phase in phases)]
        if not chosen:
            raise NothingToDoError
        stages = Stages(telling(step.say))
        with self._connected() as guest:
            for component in chosen:
                deed = Deed("component", step.id, component.document.file)
                if self._record.done(deed.kind, deed.step, deed.arn):
                    continue
                with stages.stage(f"{'test' if told == 'TESTING' else 'build'} {component.reference}") as stage:
                    count = run_phases(step, component, guest, stage, services, phases=phases, told=told)
                    stage.note = f"{count} steps passed"
                self._remember(self._record.with_deed(deed))
        return f"{len(chosen)} components were run."

    def run_script(self, script: ShellScript) -> str:
        """Run a script in the machine."""
        done = self._record.done("command", self._step.id)
        if done is None:
            with self._connected() as guest:
                output = script.run(guest, self._step)
            done = Deed("command", self._step.id, outputs={"output": output})
            self._remember(self._record.with_deed(done))
        return str(done.outputs["output"])

    def sanitize(self) -> str:
        """Run the cleanup rules in the machine, which lets nobody in anew afterwards."""
        image = self._step.image
        own_data = self._step.stage == "BUILD" and user_data_override(image.recipe)
        if not self._cleanup:
            skip = frozenset(image.cleanup.get("skip") or ())
            with self._connected() as guest:
                quieten(guest, skip=skip)
                report = clean(
                    guest,
                    working_directory=working_directory(image),
                    skip=skip,
                    enable=frozenset(image.cleanup.get("enable") or ()),
                    baseline_users=self._kept_accounts,
                    create_guard=not own_data,
                )
            if not report.performed:
                return "Skipping cleanup\n"
            done = Deed("cleanup", self._step.id, outputs={"skipped": sorted(report.skipped)})
            self._remember(self._record.with_deed(done))
            self._step.say(f"{report.removed} paths removed")
        return "Sanitize OK\n"

    @property
    def _cleanup(self) -> Deed | None:
        """How the cleanup rules ran in the machine, None where they did not."""
        return next((deed for deed in self._record.deeds if deed.kind == "cleanup"), None)

    @property
    def _kept_accounts(self) -> frozenset[str] | None:
        """The only people's accounts that may stay: those there were before the first component; None for any."""
        return frozenset(self._record.accounts) if self._step.image.cleanup.get("accounts") == "remove" else None

    def inspect(self) -> Inventory:
        """Ask the machine's own package manager."""
        with self._connected() as guest:
            release = guest.run(["cat", "/etc/os-release"]).stdout.decode(errors="replace")
            lines = guest.run(["sh", "-c", _PACKAGES]).stdout.decode(errors="replace").splitlines()
        pairs = [line.split(" ", 1) for line in lines if " " in line]
        return Inventory(
            os_version(release), tuple({"packageName": name, "packageVersion": version} for name, version in pairs)
        )

    def create_image(self) -> str:
        """Shut the machine down and make an AMI of it, once for the build; search what was cleaned for leftovers."""
        step, name = self._step, output_name(self._step.image)
        ami = self._instance.image_named(name)
        if not ami:
            self._instance.shut_down()
            tags = [{"Key": key, "Value": value} for key, value in output_tags(step.image).items()]
            ami = str(
                step.call(
                    "ec2",
                    "CreateImage",
                    InstanceId=self.id,
                    Name=name,
                    Description=output_description(step.image),
                    NoReboot=True,
                    TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")],
                )["ImageId"]
            )
        self._instance.await_image(ami)
        self._search(ami)
        return ami

    def _search(self, ami: str) -> None:
        """Look for what the cleanup missed."""
        if self._cleanup is None:
            self._step.say(NEITHER)
            return
        skipped = UNAVOIDED | frozenset(self._cleanup.outputs.get("skipped", ()))
        search_ami(self._step, ami, Stages(telling(self._step.say)), skipped=skipped, accounts=self._kept_accounts)

    def kept(self, *, terminates: bool) -> bool:
        """Keep the machine, with the key to it, where it is not to be terminated."""
        if not terminates:
            self._step.say(f"Its private key is {self._access.key}; whoever needs the machine no more terminates it.")
        return not terminates

    def terminate(self, *, wait: bool) -> None:  # noqa: ARG002 - a group can only go when its instance is gone
        """End the machine and remove what was made to reach it."""
        if connection := CONNECTIONS.take(self._build, self.id):
            connection.close()
        self._instance.terminate()
        self._record.remove(self._build)
        self._access.remove()

    @contextmanager
    def _connected(self) -> Iterator[Guest]:
        """Give a guest in the machine: a connection that stands, or a new one. It stays for the build's next step."""
        stop = self._step.stop
        connection = CONNECTIONS.take(self._build, self.id)
        if connection and not _stands(connection.guest):
            connection.close()
            connection = None
        if connection is None and self._cleanup:
            raise ActionFailedError(
                f"The instance {self.id} was cleaned, and nobody can log in any more.",
                mend="Let SanitizeInstance be the last step before CreateImage.",
            )
        connection = connection or self._access.connect(
            str(self._instance.described()["PublicIpAddress"]), self._watch()
        )
        try:
            with stop.on_stop(connection.guest.close):
                yield TimedGuest(connection.guest, stop)
        except ActionFailedError:
            CONNECTIONS.give_back(self._build, self.id, connection)
            stop.check()
            raise
        except BaseException:
            connection.close()
            stop.check()
            raise
        CONNECTIONS.give_back(self._build, self.id, connection)
        stop.check()

    def _watch(self) -> Callable[[], None]:
        """Return what is called while the machine does not answer: it raises when it never will, or time is up."""
        looked = time.monotonic()

        def watch() -> None:
            nonlocal looked
            self._step.stop.check()
            if time.monotonic() - looked > WATCHING:
                looked = time.monotonic()
                self._instance.described()

        return watch

    def _remember(self, record: InstanceRecord) -> None:
        self._record = record
        record.save(self._build)


def _ami(step: StepRun) -> str:
    """Return the AMI that is launched. Raises ActionFailedError where there is none to launch."""
    if override := step.inputs.get("imageIdOverride"):
        return str(override)
    if step.stage == "TEST":
        return step.output_image
    parent = step.image.parent
    if parent.kind != "ami":
        raise ActionFailedError(
            f"The image {step.image.name} is built on {parent.written}, and a machine is launched from an AMI.",
            mend="Leave the resource tag goldsmith:builder out: a sandbox builds on it. Or build an AMI of it first.",
        )
    return parent.reference


def _stands(guest: Guest) -> bool:
    try:
        return not guest.run(["true"]).exit_code
    except GuestError:
        return False
