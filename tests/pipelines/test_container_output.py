"""A build's container image: its layers are the recipe's, shared by other builds, the same every time, for real tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import replace

import pytest

from goldsmith.oci.opened import opened_image
from goldsmith.pipelines.parents import pin_parent

from .test_build import a_component, a_plan, run

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

SECRET = """\
- name: Write
  action: ExecuteBash
  inputs: {commands: ['echo hello > /etc/hello; echo a-secret-token > /root/.bash_history; echo 0123456789abcdef0123456789abcdef > /etc/machine-id; rm /etc/debian_version']}
"""
LAST = """\
- name: Write
  action: CreateFile
  inputs: [{path: /etc/last, content: %s}]
"""
CHILD = """\
- name: Look
  action: ExecuteBash
  inputs: {commands: ['test "$(cat /etc/hello)$(cat /etc/last)" = helloone', '! test -e /etc/debian_version']}
"""


@pytest.fixture(scope="module")
def plan(kept, root_tar):
    made = a_plan(kept, a_component("hello", SECRET), a_component("last", LAST % "one"))
    return replace(made, name="contained", parent=pin_parent(root_tar.name, root_tar.parent, kept))


@pytest.fixture(scope="module")
def built(plan, kept):
    return run(plan, kept, formats=("oci", "docker-archive"))


def files(built):
    return {disk.format: built.folder / disk.file for disk in built.image.disks}


def names_of(opened):
    with opened() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        return {member.name for member in archive}


def test_layers_follow_the_recipe_and_hide_what_the_sealing_took_away(built):
    with opened_image(str(files(built)["oci"])) as image:
        titles = [each["created_by"] for each in image.config["history"]]
        assert titles == [titles[0], "component hello", "component last", "the sealing"]
        base, hello, last, sealed = (names_of(opened) for opened in image.layers)
        assert {"etc/debian_version", "usr/bin/apt"} <= base
        assert {"etc/hello", "etc/.wh.debian_version"} <= hello
        assert "root/.bash_history" not in hello
        assert "etc/last" in last
        assert not {"etc/machine-id", "usr/sbin/policy-rc.d"} & (base | hello | last)
        assert "etc/machine-id" in sealed
        annotations = image.manifest["annotations"]
        assert annotations["org.opencontainers.image.version"] == "1.0.0"
        assert annotations["org.opencontainers.image.created"] == image.config["created"]
        assert image.config["config"]["Labels"]["goldsmith.plan"] == built.image.plan


def test_the_same_build_is_the_same_image_and_another_last_component_shares_what_is_below(built, plan, kept):
    again = run(plan, kept, use_cache=False, formats=("oci",))
    other = run(
        replace(plan, components=(plan.components[0], a_component("last", LAST % "two"))), kept, formats=("oci",)
    )
    with (
        opened_image(str(files(built)["oci"])) as first,
        opened_image(str(files(again)["oci"])) as second,
        opened_image(str(files(other)["oci"])) as third,
    ):
        assert second.digest == first.digest
        digests = [[blob.descriptor.digest for blob in each.layer_blobs] for each in (first, third)]
        assert digests[0][:2] == digests[1][:2]
        assert digests[0][2] != digests[1][2]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_both_archives(built):
    seen = []
    for transport, form in (("oci-archive", "oci"), ("docker-archive", "docker-archive")):
        argv = ["skopeo", "inspect", "--config", f"{transport}:{files(built)[form]}"]
        seen.append(json.loads(subprocess.run(argv, check=True, capture_output=True).stdout))
    assert seen[0] == seen[1]
    assert len(seen[0]["rootfs"]["diff_ids"]) == 4


@pytest.mark.skipif(not shutil.which("buildah") or os.getuid(), reason="needs buildah, and to be root")
def test_a_program_of_the_image_runs_in_buildah_s_container(built, tmp_path):
    buildah = [
        "buildah",
        "--root",
        str(tmp_path / "root"),
        "--runroot",
        str(tmp_path / "run"),
        "--storage-driver",
        "overlay",
    ]

    def ran(*argv):
        done = subprocess.run([*buildah, *argv], capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    try:
        name = ran("from", "--quiet", f"oci-archive:{files(built)['oci']}")
        script = "cat /etc/hello /etc/last; echo; dpkg-query --show --showformat '${Package}' bash; ls /etc/debian_version /root/.bash_history"
        assert ran("run", "--isolation", "chroot", name, "bash", "-c", f"{script} || true").split() == [
            "hello",
            "one",
            "bash",
        ]
    finally:
        ran("rm", "--all")


def test_a_program_of_the_image_runs_in_podman_s_container(built, podman):
    limits = ["--cgroups=disabled", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    name = f"oci-archive:{files(built)['oci']}"
    said = podman("run", "--quiet", "--rm", *limits, name, "cat", "/etc/hello", "/etc/last", driver="overlay")
    assert said.split() == ["hello", "one"]


def test_an_image_that_is_a_container_image_alone_is_a_parent(built, kept):
    parent = pin_parent(built.image.reference, kept.path, kept)
    child = run(a_plan(kept, a_component("child", CHILD), name="child", parent=parent), kept, formats=("oci",))
    assert [disk.file for disk in child.image.disks] == ["child.oci.tar"]
