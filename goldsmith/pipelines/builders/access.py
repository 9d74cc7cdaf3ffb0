"""How a step reaches a machine: a key pair and a security group for the time of the build, and a connection by SSH."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.guests.guest import GuestError
from goldsmith.guests.machine import MachineGuest, SshAddress
from goldsmith.guests.process import run_process
from goldsmith.machines.instances.ingress import CONNECTING, SHIFTED_SSH, SSH
from goldsmith.pipelines.builders.live import Waiting
from goldsmith.pipelines.builders.record import FOLDER
from goldsmith.pipelines.distribution.naming import ARN_TAG, CREATED_BY
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.pipelines.workflows.action import StepRun

USERS = ("admin", "debian", "ubuntu", "ec2-user", "fedora", "rocky", "almalinux", "centos", "cloud-user", "root")
"""Whom cloud-init gives the key to, the most likely first."""

PATIENCE = 8.0
"""Seconds in which a server that answers lets a user in whom it knows; emulated machines are slow."""

STEP = re.compile(r"step-[A-Za-z0-9-]{1,80}")
"""The id of a step execution."""

ROUNDS = 3
"""How often each of them is tried."""

BANNER_PATIENCE = 2.0
PAUSE = 0.25


class Connection:
    """A connection that stands; ``folder`` keeps its socket's path short while it does."""

    def __init__(self, guest: MachineGuest, folder: int) -> None:
        self.guest = guest
        self._folder = folder

    def close(self) -> None:
        """End it; the machine stays."""
        self.guest.close()
        os.close(self._folder)


CONNECTIONS: Waiting[Connection] = Waiting()
"""The connections that wait between a build's steps: a machine that was cleaned lets nobody in anew."""


class Access:
    """What a launch makes so that its machine can be reached: all of it is named by the launching step's id."""

    def __init__(self, step: StepRun, launch: str) -> None:
        self._step = step
        self._launch = launch
        self.name = f"goldsmith-{launch}"
        self.folder = step.image.folder(step.world.home) / FOLDER / f"{launch}.ssh"

    @property
    def there(self) -> bool:
        """Whether there is such a launch, and came so far as to have a key. Any user may choose a launch's token."""
        return bool(STEP.fullmatch(self._launch)) and self.folder.is_dir()

    @property
    def key(self) -> Path:
        """The private key's file."""
        return self.folder / "key"

    def make(self) -> str:
        """Make what is not there yet; return the security group's id."""
        if not self.key.exists():
            self._make_key()
        public = self.folder.joinpath("key.pub").read_text().strip()
        with _unless("InvalidKeyPair.Duplicate"):
            tags = _tagged("key-pair", self._step)
            self._call("ImportKeyPair", KeyName=self.name, PublicKeyMaterial=public.encode(), TagSpecifications=tags)
        with _unless("InvalidGroup.Duplicate"):
            self._call(
                "CreateSecurityGroup",
                GroupName=self.name,
                Description="For the time of a build: this host reaches the instance",
                TagSpecifications=_tagged("security-group", self._step),
            )
        group = self._group()
        with _unless("InvalidPermission.Duplicate"):
            rule = {"IpProtocol": "tcp", "FromPort": SSH, "ToPort": SSH, "IpRanges": [{"CidrIp": f"{CONNECTING}/32"}]}
            self._call("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule])
        return group

    def remove(self) -> None:
        """Remove all of it; what is gone already is no error."""
        with _unless("InvalidGroup.NotFound"):
            self._call("DeleteSecurityGroup", GroupName=self.name)
        with _unless("InvalidKeyPair.NotFound"):
            self._call("DeleteKeyPair", KeyName=self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, address: str, watch: Callable[[], None]) -> Connection:
        """Connect as soon as the machine lets somebody in; ``watch`` raises when it is beyond hope or time is up."""
        self.folder.joinpath("known_hosts").unlink(missing_ok=True)  # a machine that was cleaned has other keys
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        short = Path(f"/proc/{os.getpid()}/fd/{folder}")
        port = _ssh_port()
        try:
            while not _answers(address, port):
                watch()
                time.sleep(PAUSE)
            return Connection(self._enter(address, port, short, watch), folder)
        except BaseException:
            os.close(folder)
            raise

    def _enter(self, address: str, port: int, folder: Path, watch: Callable[[], None]) -> MachineGuest:
        """Log in as the first user that the server lets in."""
        for user in USERS * ROUNDS:
            watch()
            guest = MachineGuest(SshAddress(address, port, user, folder / "key", folder), watch=watch)
            with suppress(GuestError):
                guest.connect(time.monotonic() + PATIENCE)
                return guest
            guest.close()
        raise GuestError(
            f"The SSH server of the instance at {address} lets none of {', '.join(USERS)} in with the build's key.",
            mend="The image needs cloud-init, which puts the launch's key where its default user has it.",
        )

    def _make_key(self) -> None:
        """Make the key pair whole, or not at all."""
        arriving = self.folder.with_suffix(".arriving")
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(parents=True, mode=0o700)
        done = run_process(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(arriving / "key")]
        )
        if done.exit_code:
            raise GuestError(f"ssh-keygen made no key: {done.stderr.decode(errors='replace').strip()}")
        arriving.rename(self.folder)

    def _group(self) -> str:
        found = self._call("DescribeSecurityGroups", Filters=[{"Name": "group-name", "Values": [self.name]}])
        return str(found["SecurityGroups"][0]["GroupId"])

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._step.call("ec2", operation, **parameters)


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Pass over the refusal of that code."""
    try:
        yield
    except RefusedError as refused:
        if refused.code != code:
            raise


def tags_of(step: StepRun) -> dict[str, str]:
    """Return the tags of all that a build makes for its time: the infrastructure's, and the service's own."""
    return {**(step.image.infrastructure.get("resourceTags") or {}), **CREATED_BY, ARN_TAG: step.image.arn}


def _tagged(kind: str, step: StepRun) -> list[dict[str, Any]]:
    tags = [{"Key": key, "Value": value} for key, value in tags_of(step).items()]
    return [{"ResourceType": kind, "Tags": tags}]


def _ssh_port() -> int:
    """Return where an instance's port 22 is: users who may not open it get another."""
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return SSH if os.geteuid() == 0 or first <= SSH else SHIFTED_SSH


def _answers(address: str, port: int) -> bool:
    """Whether an SSH server says its banner."""
    try:
        with socket.create_connection((address, port), BANNER_PATIENCE) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
