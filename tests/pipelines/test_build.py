"""Builds of a small Debian from its archives to a disk: without a kernel, as nothing here boots."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from goldsmith.catalog.images import ImageStore
from goldsmith.documents.parser import parse_component
from goldsmith.executor.services import Services
from goldsmith.pipelines.build import BuildFailedError, build
from goldsmith.pipelines.plan import BootstrapParent, BuildPlan, PlannedComponent
from goldsmith.pipelines.progress import StageEnded
from goldsmith.pipelines.request import BuildRequest, unchanged
from goldsmith.trees.archives import archive_states
from goldsmith.trees.bootstrap import FORMAT
from goldsmith.trees.distributions import DEBIAN_SECURITY, debian

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

SYSTEM = ("ca-certificates", "systemd", "systemd-resolved", "passwd")


def a_component(name, steps):
    source = (
        f"schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n{textwrap.indent(textwrap.dedent(steps), '      ')}"
    )
    return PlannedComponent(name, parse_component(source, f"{name}.yml"), {})


def a_plan(kept, *components, security=True, **more):
    distribution = replace(debian("12", security=security), packages=SYSTEM)
    parent = BootstrapParent(distribution, archive_states(distribution.archives, kept.archives), FORMAT)
    plan = BuildPlan(
        name="small",
        version="1.0.0",
        description="",
        parent_image="debian/12",
        parent=parent,
        components=components,
        working_directory="/tmp",
        skip_cleanup=frozenset(),
        enable_cleanup=frozenset(),
        remove_accounts=False,
        allow=(),
        disk_bytes=2 << 30,
        firmware=("uefi",),
        tests_enabled=False,
        test_minutes=720,
        tags={},
        seal={},
    )
    return replace(plan, **more)


def run(plan, home, events=None, **request):
    asked = BuildRequest(**request)
    tell = (events if events is not None else []).append
    return unchanged(plan, home, asked) or build(plan, home, asked, Services(), tell)


HELLO = """\
- name: Write
  action: CreateFile
  inputs: [{path: /etc/hello, content: hello}]
- name: Account
  action: ExecuteBash
  inputs: {commands: ['useradd --system greeter; date > /var/log/greeting; ls /usr/bin > /etc/programs']}
"""


def test_two_bakes_from_nothing_give_the_same_bits(kept):
    """With the cache off, each bootstraps, builds, cleans and packs anew."""
    plan = a_plan(kept, a_component("hello", HELLO))
    first = run(plan, kept, use_cache=False, formats=("qcow2", "raw"))
    second = run(plan, kept, use_cache=False, formats=("qcow2", "raw"))
    assert first.folder != second.folder
    assert [disk.sha256 for disk in first.image.disks] == [disk.sha256 for disk in second.image.disks]
    check = subprocess.run(["qemu-img", "check", first.folder / "small.qcow2"], capture_output=True, check=False)
    assert check.returncode == 0


def test_a_build_of_the_same_plan_is_the_earlier_image(kept):
    plan = a_plan(kept, a_component("hello", HELLO))
    first = run(plan, kept)
    again = run(plan, kept)
    assert again.unchanged
    assert again.image.reference == first.image.reference


def test_layers_are_taken_from_the_cache_and_each_miss_has_its_reason(kept):
    run(a_plan(kept, a_component("hello", HELLO)), kept)
    events = []
    run(a_plan(kept, a_component("hello", HELLO.replace("content: hello", "content: hi"))), kept, events)
    notes = {event.stage: event.note for event in events if isinstance(event, StageEnded)}
    assert notes["parent debian/12"].startswith("from the cache")
    assert "document changed" in notes["component hello"]


def test_cached_and_uncached_builds_give_the_same_bits(kept):
    plan = a_plan(kept, a_component("hello", HELLO))
    cached = run(replace(plan, description="again"), kept, formats=("raw", "qcow2"))
    fresh = run(plan, kept, use_cache=False)
    assert {disk.sha256 for disk in fresh.image.disks} <= {disk.sha256 for disk in cached.image.disks}


def test_update_os_applies_security_updates(kept):
    """Bootstrapped without the security suite, then given it: the packages that it mends change their versions."""
    update = a_component(
        "update",
        f"""\
        - name: Archive
          action: CreateFile
          inputs: [{{path: /etc/apt/sources.list.d/security.list, content: "deb {DEBIAN_SECURITY} bookworm-security main\\n"}}]
        - name: Update
          action: UpdateOS
        """,
    )
    built = run(a_plan(kept, update, security=False), kept)
    changes = [each["change"] for each in built.image.updates]
    assert changes
    assert all("→" in change for change in changes)


def test_a_failed_step_is_named_with_its_stderr_and_leaves_no_image(kept):
    broken = a_component(
        "broken",
        """\
        - name: Break
          action: ExecuteBash
          inputs: {commands: ["echo the disk is on fire >&2", "exit 3"]}
        """,
    )
    before = ImageStore(kept.images).all()
    with pytest.raises(BuildFailedError) as failed:
        run(a_plan(kept, broken), kept)
    assert "Break" in failed.value.message
    assert "the disk is on fire" in failed.value.message
    assert ImageStore(kept.images).all() == before
    assert not list(kept.images.glob(".draft*"))
    logs = list(kept.failed.glob("*/logs/*/console.log"))
    assert any("the disk is on fire" in log.read_text() for log in logs)


def test_an_account_of_a_component_stays_unless_the_pipeline_says_otherwise(kept):
    account = a_component(
        "account",
        """\
        - name: Account
          action: ExecuteBash
          inputs: {commands: ["useradd -m deploy"]}
        """,
    )
    stays = run(a_plan(kept, account), kept)
    goes = run(a_plan(kept, account, remove_accounts=True), kept)
    removed = [{rule["rule"]: rule["removed"] for rule in built.image.cleanup} for built in (stays, goes)]
    assert removed[0]["build-accounts"] == []
    assert removed[1]["build-accounts"] == ["/etc/passwd: deploy", "/home/deploy"]


def test_a_key_that_a_component_leaves_fails_the_build(kept):
    body = "\\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 4)
    leak = a_component(
        "leak",
        f"""\
        - name: Leak
          action: CreateFile
          inputs:
            - path: /opt/app/key.pem
              content: "-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----\\n"
        """,
    )
    with pytest.raises(BuildFailedError, match=r"/opt/app/key\.pem"):
        run(a_plan(kept, leak), kept)


def test_a_killed_build_leaves_no_process_and_no_image(kept):
    script = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_build
        from pathlib import Path
        from goldsmith.pipelines.home import Home
        kept = Home(Path({str(kept.path)!r}))
        sleeper = test_build.a_component("sleeper", "- name: Sleep\\n  action: ExecuteBash\\n  inputs: {{commands: ['sleep 4242']}}")
        def tell(event):
            print(event, flush=True)
        test_build.build(test_build.a_plan(kept, sleeper), kept, test_build.BuildRequest(), test_build.Services(), tell)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "Sleep" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = 600
    while deadline and subprocess.run(["pgrep", "-f", "sleep 4242"], capture_output=True, check=False).returncode == 0:
        os.sched_yield()
        deadline -= 1
        subprocess.run(["sleep", "0.05"], check=True)
    assert deadline
    assert ImageStore(kept.images).sweep()
    assert not list(kept.images.glob(".draft*"))
    assert shutil.disk_usage(kept.path).free
