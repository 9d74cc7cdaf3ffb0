"""Images in Debian's docker-registry: their disks as artifacts, their trees as container images, packages attached."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest

from goldsmith.catalog.images import Disk, Image
from goldsmith.oci.blobs import Descriptor
from goldsmith.oci.image import json_object
from goldsmith.oci.opened import opened_image
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import Repository
from goldsmith.pipelines.home import Home
from goldsmith.publish.container import export_container
from goldsmith.publish.registry import DISK, publish_disk, publish_image
from goldsmith.publish.sbom import CYCLONEDX
from goldsmith.publish.source import BakedSource

pytestmark = pytest.mark.sandbox

PACKAGES = (
    {"name": "bash", "version": "5.2.15-2+b7", "architecture": "amd64", "licences": ["GPL-3+"]},
    {"name": "libc6", "version": "2.36-9", "architecture": "amd64", "licences": []},
)
TREE = """
set -eu
mkdir -p etc usr/bin bin
echo hello >etc/hello; ln -s /etc/hello etc/link; echo program >usr/bin/one; ln usr/bin/one usr/bin/two
chmod 4755 usr/bin/one; truncate -s 1M etc/zeros; echo end >>etc/zeros; mknod console c 5 1 || true
"""


@pytest.fixture
def source(tmp_path):
    """An image of a small disk: a file system with a system's folders."""
    tree, folder = tmp_path / "tree", tmp_path / "image"
    tree.mkdir()
    folder.mkdir()
    subprocess.run(["sh", "-c", TREE], cwd=tree, check=True)
    raw = folder / "small.raw"
    argv = ["mkfs.ext4", "-q", "-F", "-E", "root_owner=0:0", "-d", str(tree), str(raw), "24M"]
    subprocess.run(argv, check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    image = Image(
        name="small",
        version="1.0.0",
        build=1,
        status="AVAILABLE",
        created="2027-01-15T08:00:00Z",
        parent_image="debian/12",
        plan="p",
        disk_bytes=24 << 20,
        disks=(Disk("raw", raw.name, "0" * 64, raw.stat().st_size),),
        packages=PACKAGES,
        distribution="debian/12",
    )
    return BakedSource(image, folder, tmp_path)


def sbom_of(reference, digest):
    with ExitStack() as stack, Repository(Reference.parse(reference)) as repository:
        (referrer,) = repository.referrers(digest, CYCLONEDX)
        manifest = json_object(repository.manifest(referrer.digest).read(), "the referrer")
        assert manifest["subject"]["digest"] == digest
        layer = Descriptor.read(manifest["layers"][0], "the referrer")
        return referrer.digest, json.loads(repository.blob(layer, "/tmp", stack).read())


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_a_disk_is_pulled_back_as_it_was_and_sent_once(source, registry, logged_in, tmp_path, form):
    place = f"oci://{registry}/disks/{form}:1"
    would = publish_disk(source, place, form, home=Home(tmp_path), dry_run=True)
    heard = []
    done = publish_disk(source, place, form, home=Home(tmp_path), progress=lambda at, of: heard.append((at, of)))
    again = publish_disk(source, place, form, home=Home(tmp_path))
    assert would.sent == done.sent
    assert would.digest == done.digest == again.digest
    assert (again.sent, again.skipped) == (0, done.sent + done.skipped)
    assert heard[-1][0] == heard[-1][1]
    with ExitStack() as stack, Repository(Reference.parse(f"{registry}/disks/{form}:1")) as repository:
        manifest = json_object(repository.manifest("1").read(), "the manifest")
        assert manifest["artifactType"] == DISK
        assert manifest["layers"][0]["annotations"] == {"org.opencontainers.image.title": f"small.{form}"}
        blob = repository.blob(Descriptor.read(manifest["layers"][0], "the manifest"), tmp_path, stack)
        with blob.opened() as fetched, (tmp_path / "back").open("wb") as file:
            shutil.copyfileobj(fetched, file)
    with source.raw() as raw:
        same = ["qemu-img", "compare", "-f", form, "-F", "raw", str(tmp_path / "back"), str(raw)]
        subprocess.run(same, check=True, capture_output=True)
    referrer, sbom = sbom_of(f"{registry}/disks/{form}:1", done.digest)
    assert referrer == done.referrer
    assert [each["purl"] for each in sbom["components"]] == [
        "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
    ]


def test_a_disk_s_tree_is_a_container_image_of_one_layer(source, workspace, registry, logged_in, tmp_path):
    place = f"{registry}/team/small:1.0.0"
    would = publish_image(source, place, home=Home(tmp_path), dry_run=True)
    done = publish_image(source, place, home=Home(tmp_path))
    again = publish_image(source, place, home=Home(tmp_path))
    assert would.sent == done.sent
    assert (again.sent, again.skipped) == (0, done.sent + done.skipped)
    assert again.pinned == f"{registry}/team/small@{done.digest}"
    assert sbom_of(place, done.digest)[1]["metadata"]["component"]["name"] == "small"
    with opened_image(f"oci://{place}", scratch=tmp_path) as image:
        assert image.digest == done.digest
        assert image.manifest["annotations"]["org.opencontainers.image.version"] == "1.0.0"
        from goldsmith.oci.applying import apply_layers

        workspace.run(["mkdir", "back"])
        apply_layers(image, workspace, workspace.path / "back")
    listed = ["sh", "-c", "find . ! -type d ! -type c -printf '%p %m %n %l %s\\n' | sort; cat etc/zeros | sha256sum"]
    expected = subprocess.run(listed, cwd=tmp_path / "tree", check=True, capture_output=True).stdout
    assert workspace.run(listed, cwd=workspace.path / "back").stdout == expected
    if shutil.which("skopeo"):
        argv = ["skopeo", "inspect", "--tls-verify=false", f"docker://{place}"]
        seen = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
        assert seen["Digest"] == done.digest
        assert seen["Labels"]["version"] == "1.0.0"


def test_podman_pulls_what_was_published(source, registry, logged_in, podman, tmp_path):
    done = publish_image(source, f"{registry}/team/podman:1", home=Home(tmp_path))
    image = podman("pull", "--quiet", "--tls-verify=false", f"{registry}/team/podman:1")
    (said,) = json.loads(podman("image", "inspect", image))
    assert (said["Digest"], said["Labels"]["name"]) == (done.digest, "small")


def test_the_container_image_that_the_build_wrote_is_the_one_that_is_published(source, registry, logged_in, tmp_path):
    file = tmp_path / "image" / "small.oci.tar"
    export_container(source, file, "oci", scratch=tmp_path)
    with opened_image(str(file)) as image:
        digest = image.digest
    only = replace(source._image, disks=(Disk("oci", file.name, "", file.stat().st_size),))
    done = publish_image(BakedSource(only, tmp_path / "image", tmp_path), f"{registry}/only:1", home=Home(tmp_path))
    assert done.digest == digest


@pytest.mark.parametrize("publish", [partial(publish_disk, form="vmdk"), publish_image], ids=["disk", "container"])
def test_what_is_known_and_there_is_not_made_a_second_time(source, registry, logged_in, tmp_path, monkeypatch, publish):
    home, name = Home(tmp_path), uuid.uuid4().hex
    done = publish(source, f"{registry}/known/{name}:1", home=home)

    def unasked():
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(source, "raw", unasked)
        assert publish(source, f"{registry}/known/{name}:1", home=home).sent == 0
        assert publish(source, f"{registry}/known/{name}:2", home=home).digest == done.digest
        would = publish(source, f"{registry}/known/other-{name}:1", home=home, dry_run=True)
        assert (would.digest, would.sent) == (done.digest, done.sent + done.skipped)
        with pytest.raises(AssertionError):
            publish(source, f"{registry}/known/other-{name}:1", home=home)
    assert publish(source, f"{registry}/known/other-{name}:1", home=home).digest == done.digest


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_an_exported_docker_archive_is_one_for_skopeo(source, tmp_path):
    export_container(source, tmp_path / "small.docker.tar", "docker-archive", scratch=tmp_path)
    argv = ["skopeo", "inspect", f"docker-archive:{tmp_path}/small.docker.tar:small:1.0.0"]
    seen = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert seen["Labels"]["name"] == "small"
