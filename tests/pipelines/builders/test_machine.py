"""Machines as build instances: real instances of AMIs that a sandbox built, booted and reached by SSH."""

from __future__ import annotations

import pytest

from goldsmith.aws.upkeep import Upkeep
from goldsmith.components import library
from goldsmith.pipelines.image_run import PinnedComponent

from .steps import ACCOUNT, REGION, Running, a_component, a_script, an_image

pytestmark = [pytest.mark.boots, pytest.mark.network]

REBOOT = PinnedComponent(
    f"arn:aws:imagebuilder:{REGION}:{ACCOUNT}:component/reboot-test-linux/1.0.0/1",
    "reboot-test-linux",
    library.resolve("reboot-test-linux").text,
)
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
    assert not (running.image.folder(kept_up.home) / "instances").exists() or not list(
        (running.image.folder(kept_up.home) / "instances").iterdir()
    )
