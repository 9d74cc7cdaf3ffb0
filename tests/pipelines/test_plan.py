from __future__ import annotations

from dataclasses import replace

import pytest

from goldsmith.documents.parser import parse_component
from goldsmith.pipelines.plan import BootstrapParent, BuildPlan, PlannedComponent
from goldsmith.trees.archives import ArchiveState
from goldsmith.trees.distributions import Archive, Distribution

DEBIAN = Distribution("debian", "12", "bookworm", (Archive("http://archive/debian", "bookworm"),), ("systemd",))


def a_component(text="echo hi", action="ExecuteBash", phase="build", inputs=None, parameters=None):
    inputs = inputs or f"{{commands: ['{text}']}}"
    source = (
        "schemaVersion: 1.0\nparameters: [{Word: {type: string, default: a}}]\n"
        f"phases: [{{name: {phase}, steps: [{{name: Step, action: {action}, inputs: {inputs}}}]}}]\n"
    )
    return PlannedComponent("each", parse_component(source, "each.yml"), parameters or {})


def a_parent(sha="1", date=1000):
    return BootstrapParent(DEBIAN, (ArchiveState("http://archive/InRelease", sha, date),), 1)


def a_plan(*components, parent=None, **more):
    plan = BuildPlan(
        name="web",
        version="1.0.0",
        description="",
        parent_image="debian/12",
        parent=parent or a_parent(),
        components=components,
        working_directory="/tmp",
        skip_cleanup=frozenset(),
        enable_cleanup=frozenset(),
        remove_accounts=False,
        allow=(),
        disk_bytes=1 << 32,
        firmware=("uefi",),
        tests_enabled=True,
        test_minutes=720,
        tags={},
        seal={"cleanup": "1"},
    )
    return replace(plan, **more)


def test_the_same_inputs_give_the_same_plan():
    assert a_plan(a_component()).digest == a_plan(a_component()).digest


@pytest.mark.parametrize(
    "other",
    [
        a_plan(a_component("echo ho")),
        a_plan(a_component(parameters={"Word": "b"})),
        a_plan(a_component(), parent=a_parent(sha="2")),
        a_plan(a_component(), skip_cleanup=frozenset({"logs"})),
        a_plan(a_component(), enable_cleanup=frozenset({"changed-configuration"})),
        a_plan(a_component(), remove_accounts=True),
        a_plan(a_component(), allow=("/etc/x",)),
        a_plan(a_component(), disk_bytes=1 << 33),
        a_plan(a_component(), seal={"cleanup": "2"}),
        a_plan(a_component(), tests_enabled=False),
        a_plan(a_component(), a_component(phase="test")),
        a_plan(a_component(), firmware=("uefi", "bios")),
        a_plan(),
    ],
)
def test_whatever_goes_in_changes_the_plan(other):
    assert other.digest != a_plan(a_component()).digest


def test_a_changed_component_changes_its_own_layer_and_those_above_it_only():
    first, second, third = a_component("1"), a_component("2"), a_component("3")
    before = [key.digest for _, key in a_plan(first, second, third).layers]
    after = [key.digest for _, key in a_plan(first, a_component("two"), third).layers]
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert before[2] != after[2]


def test_a_test_component_makes_no_layer():
    assert len(a_plan(a_component(), a_component(phase="test")).layers) == 1


def test_identifiers_stay_the_same_from_version_to_version():
    assert a_plan(a_component()).identity == a_plan(a_component("other"), version="2.0.0").identity
    assert a_plan(a_component()).identity != a_plan(a_component(), name="db").identity


def test_a_layer_says_which_part_of_its_key_changed():
    key = a_component().key(a_parent().key)
    other = a_component("else").key(a_parent().key)
    assert other.difference(key.parts) == "document changed"
    assert "archive http://archive/InRelease" in a_parent("2").key.difference(a_parent("1").key.parts)


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (a_component(action="S3Download", inputs="[{source: s3://b/k, destination: /x}]"), "S3"),
        (a_component(action="WebDownload", inputs="[{source: http://h/k, destination: /x}]"), "checksum"),
        (a_component("{{ aws:ssm:/a }}"), "Parameter Store"),
        (a_component("{{ context:uuid }}"), "context:uuid"),
        (a_component("echo $IMAGE_VERSION"), "IMAGE_VERSION"),
    ],
)
def test_what_no_key_can_hold_is_never_taken_from_the_cache(component, reason):
    assert reason in component.volatile
    assert reason in a_plan(component).volatile


@pytest.mark.parametrize(
    "component",
    [
        a_component(),
        a_component("{{ Word }} {{ context:phase }}"),
        a_component(
            action="WebDownload",
            inputs=f"[{{source: http://h/k, destination: /x, checksum: '{'0' * 64}', algorithm: SHA256}}]",
        ),
        a_component("{{ aws:ssm:/a }}", phase="test"),
    ],
)
def test_what_its_key_tells_all_about_may_come_from_the_cache(component):
    assert component.volatile == ""
