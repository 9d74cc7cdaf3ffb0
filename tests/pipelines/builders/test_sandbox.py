"""Sandboxes as build instances: real trees of Debian, real disks, and what is left when a process is killed."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.builders.live import close_all
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.stop import StepTimeoutError, Stop, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError, NothingToDoError, find_action
from goldsmith.trees.scan.finding import LeftoversError

from .disks import disk_map, file_in
from .steps import ACCOUNT, REGION, Running, a_component, a_script, an_image

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

HELLO = a_component("hello", a_script("echo hello > /etc/hello", "date > /var/log/greeting"))
KEY = "\n".join(
    [
        "-----BEGIN PRIVATE KEY-----",
        *["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 4,
        "-----END PRIVATE KEY-----",
    ]
)


def command(*lines, **parameters):
    return {"documentName": "AWS-RunShellScript", "parameters": {"commands": list(lines), **parameters}}


def still_runs(words):
    return subprocess.run(["pgrep", "-f", words], capture_output=True, check=False).returncode == 0


def test_a_build_makes_an_ami(world, tmp_path):
    running = Running(world, an_image(HELLO))
    assert running.run("LaunchInstance", waitFor="ssmAgent")["instanceId"].startswith("i-")
    assert running.run("WaitForSSMAgent") == {"status": "Online"}
    ran = running.run("ExecuteComponents")
    assert ran["status"] == "Success"
    assert running.run("CollectImageMetadata")["osVersion"] == "Debian 12"
    assert running.run("SanitizeInstance")["output"] == "Sanitize OK\n"
    ami = running.run("CreateImage")["imageId"]
    assert running.run("TerminateInstance") == {}
    made = running.step("look").call("ec2", "DescribeImages", ImageIds=[ami])["Images"][0]
    assert made["State"] == "available"
    assert made["Name"] == f"golden {running.image.date_time.replace(':', '-')}"
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {
        "Team": "blue",
        "CreatedBy": "EC2 Image Builder",
        "Ec2ImageBuilderArn": running.image.arn,
    }
    with world.catalog(ACCOUNT, REGION, writes=False) as catalog:
        assert catalog.own("image-build", running.image.arn).document["osVersion"] == "Debian 12"
        packages = catalog.own("image-packages", running.image.arn).document["packages"]
    assert {"packageName", "packageVersion"} == set(packages[0])
    assert "base-files" in [package["packageName"] for package in packages]
    assert HELLO.arn in (running.step("ExecuteComponents").logs / "console.log").read_text()
    assert file_in(world, ami, "etc/hello", tmp_path) == "hello\n"
    assert file_in(world, ami, "var/log/greeting", tmp_path) == ""


def test_what_a_killed_server_had_done_is_laid_again_and_not_done_twice(world, tmp_path):
    """Between any two steps the process is gone, and with it all that lives; nothing has run twice in the end."""
    own = a_component("own", a_script("echo $IMAGE_VERSION > /etc/version", "date +%s%N > /etc/made"))
    running = Running(world, an_image(HELLO, own, slug="killed"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    close_all()
    running.run("ExecuteComponents", identifier="step-killed-components")
    close_all()
    asked = command("test $(cat /etc/hello) = hello", "head -c 16 /dev/urandom | md5sum > /etc/random; cat /etc/random")
    first = running.run("RunCommand", identifier="step-killed-command", **asked)
    close_all()
    assert running.run("RunCommand", identifier="step-killed-command", **asked) == first
    running.said.clear()
    running.run("ExecuteComponents", identifier="step-killed-components")
    assert not [line for line in running.said if "Script" in line], running.said
    close_all()
    running.run("SanitizeInstance")
    close_all()
    ami = running.run("CreateImage")["imageId"]
    assert file_in(world, ami, "etc/random", tmp_path) == first["output"][0]
    assert file_in(world, ami, "etc/version", tmp_path) == "1.0.0\n"
    assert file_in(world, ami, "var/log/greeting", tmp_path) == ""
    running.run("TerminateInstance")


def test_layers_are_those_of_goldsmith_build_and_of_other_images(world):
    for slug in ("first", "second"):
        running = Running(world, an_image(HELLO, slug=slug))
        running.run("LaunchInstance", waitFor="ssmAgent")
        running.said.clear()
        running.run("ExecuteComponents")
        running.run("TerminateInstance")
    assert any(line.startswith("component hello: from the cache") for line in running.said), running.said


def test_a_component_that_fails_is_told_in_full(world):
    broken = a_component("broken", a_script("echo the disk is on fire >&2", "exit 3"))
    running = Running(world, an_image(HELLO, broken, slug="broken"))
    launch = running.step("LaunchInstance", waitFor="ssmAgent")
    running.instance = find_action("LaunchInstance").run(launch)["instanceId"]
    with pytest.raises(ActionFailedError) as failed:
        running.run("ExecuteComponents")
    assert failed.value.message == f"Document {broken.arn} failed!"
    told = failed.value.component
    assert (told.component_arn, told.phase, told.step, told.action) == (broken.arn, "build", "Script", "ExecuteBash")
    assert "the disk is on fire" in told.stderr
    assert find_action("LaunchInstance").roll_back(launch, {})
    assert not find_action("LaunchInstance").roll_back(launch, {})
    with pytest.raises(ActionFailedError, match="which this build does not have"):
        running.run("SanitizeInstance")


def test_nothing_to_build_is_skipped(world):
    running = Running(world, an_image(a_component("only-tests", a_script("true"), phase="test"), slug="empty"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    with pytest.raises(NothingToDoError):
        running.run("ExecuteComponents")
    running.run("TerminateInstance")


@pytest.mark.parametrize("how", ["cancelled", "late"])
def test_a_command_ends_at_once_with_its_step(world, how):
    mark = f"4{'1' if how == 'late' else '2'}424.5"
    sleeper = a_component(f"sleeper-{how}", a_script(f"setsid sleep {mark} & sleep {mark}"))
    running = Running(world, an_image(HELLO, sleeper, slug="sleeper"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    stop = Stop() if how == "cancelled" else Stop().within(5)
    console = running.step("ExecuteComponents").logs / "console.log"

    def cancel():
        while not still_runs(f"sleep {mark}"):
            threading.Event().wait(0.05)
        stop.ask()

    if how == "cancelled":
        threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(StoppedError if how == "cancelled" else StepTimeoutError):
        running.run("ExecuteComponents", stop=stop)
    assert "ExecuteBash: STARTED EXECUTION" in console.read_text()
    assert not still_runs(f"sleep {mark}")
    assert running.run("RunCommand", **command("cat /etc/hello"))["output"] == ["hello\n"]
    running.run("TerminateInstance")


def test_commands_run_as_systems_manager_runs_them(world):
    running = Running(world, an_image(slug="commands"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    told = running.run("RunCommand", **command("#!/usr/bin/perl", "print 'perl ', `pwd`", workingDirectory=["/usr"]))
    assert (told["status"], told["output"]) == ("Success", ["perl /usr\n"])
    with pytest.raises(ActionFailedError, match="exit status 7: no luck") as failed:
        running.run("RunCommand", **command("echo some; echo no luck >&2; exit 7"))
    assert failed.value.outputs["output"] == ["some\n"]
    with pytest.raises(ActionFailedError, match="state: TimedOut"):
        running.run("RunCommand", **command("sleep 999", executionTimeout=["1"]))
    assert "no SSM agent" in running.run("RunCommand", documentName="AWS-UpdateSSMAgent")["output"][0]
    with pytest.raises(ActionFailedError, match="AWS-RunRemoteScript"):
        running.run("RunCommand", documentName="AWS-RunRemoteScript")
    running.run("TerminateInstance")


def test_a_key_that_was_left_fails_the_build_unless_nobody_asked_to_clean(world, tmp_path):
    leak = a_component("leak", a_script(f"mkdir /opt/app; echo '{KEY}' > /opt/app/key.pem"))
    running = Running(world, an_image(leak, slug="leak"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    running.run("ExecuteComponents")
    unclean = running.run("CreateImage")["imageId"]
    assert file_in(world, unclean, "opt/app/key.pem", tmp_path) == KEY + "\n"
    assert any("neither cleaned nor searched" in line for line in running.said)
    running.run("SanitizeInstance")
    with pytest.raises(LeftoversError, match=r"/opt/app/key\.pem"):
        running.run("CreateImage")
    running.run("TerminateInstance")


def test_an_ami_is_a_parent(world, tmp_path):
    running = Running(world, an_image(HELLO, slug="base"))
    running.run("LaunchInstance", waitFor="ssmAgent")
    for action in ("ExecuteComponents", "SanitizeInstance"):
        running.run(action)
    base = running.run("CreateImage")["imageId"]
    running.run("TerminateInstance")
    more = a_component("more", a_script("test $(cat /etc/hello) = hello", "dpkg --audit", "echo more > /etc/more"))
    parent = PinnedParent("ami", base, base, disk_map(world, base))
    for image, override in (
        (an_image(more, slug="child", parent=parent), {}),
        (an_image(more), {"imageIdOverride": base}),
    ):
        child = Running(world, image)
        child.run("LaunchInstance", waitFor="ssmAgent", **override)
        for action in ("ExecuteComponents", "SanitizeInstance"):
            child.run(action)
        made = child.run("CreateImage")["imageId"]
        child.run("TerminateInstance")
        assert file_in(world, made, "etc/more", tmp_path) == "more\n"


def test_parameters_are_the_houses_and_arns_lead_to_its_components(world):
    running = Running(world, an_image(slug="asking"))
    running.step("put").call("ssm", "PutParameter", Name="/tests/word", Value="hush", Type="String")
    asking = a_component(
        "asking", a_script("test {{ aws:ssm:/tests/word }} = hush", "test {{ context:accountId }} = " + ACCOUNT)
    )
    inner = a_component("inner", a_script("echo inner > /etc/inner"))
    with world.catalog(ACCOUNT, REGION) as catalog:
        name = inner.arn.split("component/")[1].removesuffix("/1")
        catalog.add(Resource(inner.arn, "component", ACCOUNT, REGION, name, document={"data": inner.text}))
        version = Resource(inner.arn.removesuffix("/1"), "component-version", ACCOUNT, REGION, name)
        catalog.add(version.knowing(builds=1))
    outer = a_component(
        "outer",
        "".join(
            f"- name: Other{number}\n  action: ExecuteDocument\n  inputs: {{document: '{arn}'}}\n"
            for number, arn in enumerate((inner.arn, inner.arn.removesuffix("/1")))
        ),
    )
    running = Running(world, replace(running.image, components=(asking, outer)))
    running.run("LaunchInstance", waitFor="ssmAgent")
    running.run("ExecuteComponents")
    assert running.run("RunCommand", **command("cat /etc/inner"))["output"] == ["inner\n"]
    running.run("TerminateInstance")


@pytest.mark.parametrize("action", ["RunSysPrep", "CreateImageFromIso"])
def test_what_is_windows_is_refused(world, action):
    with pytest.raises(ActionFailedError, match="only Linux images"):
        Running(world, an_image(slug="windows")).run(action, instanceId="i-0123456789abcdef0")


def test_a_builder_of_no_known_kind_is_refused(world):
    running = Running(world, an_image(slug="kinds", infrastructure={"resourceTags": {"goldsmith:builder": "moon"}}))
    with pytest.raises(ActionFailedError, match="goldsmith:builder"):
        running.run("LaunchInstance", waitFor="ssmAgent")
    running = Running(world, an_image(slug="kinds", infrastructure={"resourceTags": {"goldsmith:builder": "machine"}}))
    with pytest.raises(ActionFailedError, match="launched from an AMI"):
        running.run("LaunchInstance", waitFor="ssmAgent")
    assert not Path(running.image.folder(world.home) / "instances").exists()
