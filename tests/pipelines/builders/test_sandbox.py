"""Sandboxes as build instances: real trees of Debian, real disks, and what is left when a process is killed."""

from __future__ import annotations

import pytest

from .steps import Running, a_component, a_script, an_image

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

HELLO = a_component("hello", a_script("echo hello > /etc/hello", "date > /var/log/greeting"))


def build(running, *actions):
    """Run the steps of build-image; return the outputs by action."""
    outputs = {}
    for action in actions or ("ExecuteComponents", "CollectImageMetadata", "SanitizeInstance", "CreateImage"):
        outputs[action] = running.run(action)
    return outputs


def test_a_build_makes_an_ami(world):
    running = Running(world, an_image(HELLO))
    launched = running.run("LaunchInstance", waitFor="ssmAgent")
    outputs = build(running)
    running.run("TerminateInstance")
    assert launched["instanceId"].startswith("i-")
    assert outputs["CollectImageMetadata"]["osVersion"] == "Debian 12"
    made = running.step("x").call("ec2", "DescribeImages", ImageIds=[outputs["CreateImage"]["imageId"]])["Images"][0]
    assert made["State"] == "available"
    assert made["Name"].startswith("golden 2026-11-23T10-00-")
