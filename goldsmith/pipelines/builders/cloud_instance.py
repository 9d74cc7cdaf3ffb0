"""An instance as EC2 tells of it: its state, its checks, its metadata, and its end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.workflows.action import ActionFailedError
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.pipelines.workflows.action import StepRun

POLLING = 1.0
"""Seconds between two looks at a state."""

ENDED = ("shutting-down", "terminated", "stopping", "stopped")
UNKNOWN = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")


class CloudInstance:
    """An instance of the step's account; ``id`` is empty where none was launched."""

    def __init__(self, step: StepRun, identifier: str) -> None:
        self.id = identifier
        self._step = step

    @classmethod
    def launched_by(cls, step: StepRun, launch: str) -> CloudInstance:
        """Return the instance that a step execution of that id has launched, if any."""
        asked = [{"Name": "client-token", "Values": [launch]}]
        found = step.call("ec2", "DescribeInstances", Filters=asked)["Reservations"]
        return cls(step, next((str(each["InstanceId"]) for part in found for each in part["Instances"]), ""))

    @property
    def launch(self) -> str:
        """The id of the step execution that has launched it, "" where it is unknown."""
        return str(self._shown().get("ClientToken", ""))

    @property
    def state(self) -> str:
        """Its state; terminated where nobody remembers it."""
        return str(self._shown().get("State", {"Name": "terminated"})["Name"])

    def described(self) -> dict[str, Any]:
        """Return it as DescribeInstances shows it. Raises ActionFailedError when it has ended."""
        found = self._shown()
        if not found or found["State"]["Name"] in ENDED:
            reason = (found.get("StateReason") or {}).get("Message", "")
            raise ActionFailedError(
                f"The instance {self.id} has ended" + (f": {reason}" if reason else "."),
                mend="Its console shows more: get-console-output.",
            )
        return found

    def await_running(self, *, checks: bool) -> None:
        """Wait until it runs and, with ``checks``, has passed its status checks."""
        self.wait("running", lambda: str(self.described()["State"]["Name"]))
        if checks:
            self.wait("passed", self._checks)

    def await_image(self, ami: str) -> None:
        """Wait until an AMI of it is available. Raises ActionFailedError when it fails."""

        def state() -> str:
            image = self._step.call("ec2", "DescribeImages", ImageIds=[ami])["Images"][0]
            if image["State"] == "failed":
                raise ActionFailedError(f"The AMI {ami} failed: {(image.get('StateReason') or {}).get('Message', '')}")
            return str(image["State"])

        self.wait("available", state)

    def wait(self, wanted: str, look: Callable[[], str]) -> None:
        """Wait until a state is the one that is expected."""
        if look() == wanted:
            return
        self._step.say(f"Waiting for instance availability (id: {self.id}, expected state: ['{wanted}']).")
        while look() != wanted:
            self._step.stop.wait(POLLING)

    def shut_down(self) -> None:
        """Have its system shut down, so that its disks are whole, and wait for that."""
        if self.state == "running":
            self._step.call("ec2", "StopInstances", InstanceIds=[self.id])
        self.wait("stopped", lambda: self.state)

    def terminate(self) -> None:
        """End it for good, and wait until it is gone."""
        if not self.id:
            return
        with suppress(RefusedError):  # it is gone already
            self._step.call("ec2", "TerminateInstances", InstanceIds=[self.id])
        self.wait("terminated", lambda: self.state)

    def image_named(self, name: str) -> str:
        """Return the AMI of that name that was made of it, "" for none."""
        named = [{"Name": "name", "Values": [name]}]
        for image in self._step.call("ec2", "DescribeImages", Owners=["self"], Filters=named)["Images"]:
            if image.get("SourceInstanceId") == self.id and image["State"] != "failed":
                return str(image["ImageId"])
        return ""

    def metadata(self) -> dict[str, str]:
        """Return its metadata as components ask for it, by path below meta-data."""
        found = self.described()
        told = {
            "instance-id": self.id,
            "ami-id": found["ImageId"],
            "instance-type": found["InstanceType"],
            "local-ipv4": found["PrivateIpAddress"],
            "local-hostname": found["PrivateDnsName"],
            "hostname": found["PrivateDnsName"],
            "public-ipv4": found.get("PublicIpAddress", ""),
            "placement/region": self._step.image.region,
            "placement/availability-zone": found["Placement"]["AvailabilityZone"],
        }
        return {path: str(value) for path, value in told.items()}

    def _checks(self) -> str:
        self.described()
        found = self._step.call("ec2", "DescribeInstanceStatus", InstanceIds=[self.id])["InstanceStatuses"]
        states = {each[check]["Status"] for each in found for check in ("SystemStatus", "InstanceStatus")}
        return "passed" if states == {"ok"} else "initializing"

    def _shown(self) -> dict[str, Any]:
        """Return it as DescribeInstances shows it, {} where it is unknown."""
        if not self.id:
            return {}
        try:
            found = self._step.call("ec2", "DescribeInstances", InstanceIds=[self.id])
        except RefusedError as refused:
            if refused.code not in UNKNOWN:
                raise
            return {}
        return next((dict(each) for part in found["Reservations"] for each in part["Instances"]), {})
