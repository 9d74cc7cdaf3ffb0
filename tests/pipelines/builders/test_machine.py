"""Machines as build instances: real instances of AMIs that a sandbox built, booted and reached by SSH."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldsmith.aws.upkeep import Upkeep
from goldsmith.components import library
from goldsmith.pipelines.builders.live import close_all
from goldsmith.pipelines.image_run import PinnedComponent, PinnedParent
from goldsmith.pipelines.workflows.action import find_action
from goldsmith.trees.scan.finding import LeftoversError

from .disks import disk_map, file_in
from .steps import ACCOUNT, REGION, Running, a_component, a_script, an_image

pytestmark = [pytest.mark.boots, pytest.mark.network]

REBOOT = PinnedComponent(
    f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:component/reboot-test-linux/1.0.0/1",
    "reboot-test-linux",
    library.resolve("reboot-test-linux").text,
)
TOKEN = "ghp_" + "4Kd8xQ2mZr7Wv1Tn9Bc3Ys6Hj5Lf0Gp2Eu8a"
PROBE = a_component(
    "probe", a_script("id -un", "test $(cat /etc/hello) = hello", "echo {{ aws:imds:instance-id }}"), phase="test"
)


@pytest.fixture(scope="module")
def kept_up(world):
    """The server's own upkeep, which looks at instances' checks."""
    with Upkeep(world.cloud):
        yield world


@pytest.fixture(scope="module")
def ami(kept_up):
    """An AMI of Debian 12 with one component, as the tests' output image."""
    running = Running(kept_up, an_image(a_component("hello", a_script("echo hello > /etc/hello")), slug="tested"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    for action in ("ExecuteComponents", "SanitizeInstance"):
        running.run(action)
    made = running.run("CreateImage")["imageId"]
    running.run("TerminateInstance")
    return made


def test_tests_run_in_an_instance_of_the_output(kept_up, ami):
    running = Running(kept_up, an_image(PROBE, REBOOT, slug="tested"), stage="TEST")
    launched = running.run("LaunchInstance", waitFor="ssmAgent", output_image=ami)["instanceId"]
    look = running.step("look").call
    assert look("ec2", "DescribeInstances", InstanceIds=[launched])["Reservations"][0]["Instances"][0]["ImageId"] == ami
    running.run("ExecuteComponents")
    running.run("TerminateInstance")
    assert "root" in (running.step("ExecuteComponents").logs / "console.log").read_text()
    assert any("reboot-test-linux: 6 steps passed" in line for line in running.said), running.said
    names = [group["GroupName"] for group in look("ec2", "DescribeSecurityGroups")["SecurityGroups"]]
    assert names == ["default"]
    assert not look("ec2", "DescribeKeyPairs")["KeyPairs"]
    assert not list((running.image.folder(kept_up.home) / "instances").iterdir())


@pytest.mark.long
def test_a_machine_builds_an_ami(kept_up, ami, tmp_path):
    """Services run in it; what it had to be reached by goes with it, and the AMI holds neither keys nor traces."""
    service = a_component("service", a_script("systemctl is-active systemd-journald > /etc/service; sync"))
    infrastructure = {"resourceTags": {"goldsmith:builder": "machine"}, "terminateInstanceOnFailure": False}
    parent = PinnedParent("ami", ami, ami, disk_map(kept_up, ami))
    running = Running(kept_up, an_image(service, slug="machined", parent=parent, infrastructure=infrastructure))
    launch = running.step("LaunchInstance", waitFor="ssmAgent", healthCheck="RUNNING")
    running.instance = find_action("LaunchInstance").run(launch)["instanceId"]
    assert find_action("LaunchInstance").run(launch)["instanceId"] == running.instance
    running.run("ExecuteComponents", identifier="step-machined")
    running.said.clear()
    running.run("ExecuteComponents", identifier="step-machined")
    assert not running.said[1:]
    close_all()
    assert running.run("CollectImageMetadata")["osVersion"] == "Debian 12"
    commands = ["cat /etc/service /etc/machine-id", "sleep 8765 &", f"echo {TOKEN} > /opt/token"]
    asked = {"documentName": "AWS-RunShellScript", "parameters": {"commands": commands}}
    (said,) = running.run("RunCommand", **asked)["output"]
    service, machine_id = said.splitlines()
    assert service == "active"
    assert running.run("SanitizeInstance")["output"] == "Sanitize OK\n"
    assert not find_action("LaunchInstance").roll_back(launch, {"instanceId": running.instance})
    with pytest.raises(LeftoversError, match=r"found 1 left-overs:\n  /opt/token:1: github-token"):
        running.run("CreateImage")
    named = [{"Name": "name", "Values": ["machined *"]}]
    assert not running.step("look").call("ec2", "DescribeImages", Owners=["self"], Filters=named)["Images"]
    running.image = replace(running.image, cleanup={"allow": ["/opt/token"]})
    made = running.run("CreateImage")["imageId"]
    assert file_in(kept_up, made, "etc/service", tmp_path) == "active\n"
    assert file_in(kept_up, made, "home/admin/.ssh/authorized_keys", tmp_path) is None
    assert file_in(kept_up, made, "etc/ssh/ssh_host_ed25519_key", tmp_path) is None
    assert file_in(kept_up, made, "var/lib/systemd/random-seed", tmp_path) is None
    assert file_in(kept_up, made, "var/log/wtmp", tmp_path) == ""
    journal = f"var/log/journal/{machine_id}"
    assert file_in(kept_up, made, f"{journal}/system.journal", tmp_path) is None
    running.run("TerminateInstance", waitForTermination=True)
    assert not find_action("LaunchInstance").roll_back(launch, {})
