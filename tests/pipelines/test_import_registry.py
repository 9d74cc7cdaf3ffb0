"""Imports and parents from Debian's docker-registry, with its login: disks that we or ORAS pushed, container images."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from goldsmith.catalog.images import Disk, Image
from goldsmith.disks.containers import to_raw
from goldsmith.guests.workspace import Workspace
from goldsmith.oci.artifact import Artifact, title_of
from goldsmith.oci.blobs import LAYER, Blob, OciError, digest_of
from goldsmith.oci.image import About, NewLayer, OciImage, canonical, made_image
from goldsmith.oci.opened import opened_content
from goldsmith.oci.reference import Reference
from goldsmith.oci.registry import Repository, Sent
from goldsmith.pipelines.import_source import ImportRefusedError
from goldsmith.pipelines.importing import ImportRequest, import_image
from goldsmith.pipelines.parent_files import ParentFiles
from goldsmith.pipelines.parents import pin_parent
from goldsmith.pipelines.progress import Stage
from goldsmith.pipelines.tree_disk import TreeRefusedError
from goldsmith.publish.registry import publish_disk
from goldsmith.publish.source import BakedSource

pytestmark = pytest.mark.sandbox

MIB = 1 << 20


@pytest.fixture
def raw(tmp_path):
    """A disk that boots nowhere, with something on it."""
    path = tmp_path / "small.raw"
    path.write_bytes(random.Random("small").randbytes(3 * MIB) + bytes(5 * MIB))  # noqa: S311 - a test's bytes
    return path


@pytest.fixture
def source(raw):
    disk = Disk("raw", raw.name, "", raw.stat().st_size)
    image = Image("small", "1.0.0", 1, "AVAILABLE", "2027-01-15T08:00:00Z", "", "p", 8 * MIB, (disk,))
    return BakedSource(image, raw.parent, raw.parent)


@pytest.fixture
def importing(kept):
    def run(source, **more):
        return import_image(ImportRequest(source, boot=False, **more), kept, lambda _: None)

    return run


def same_disk(made, raw, tmp_path):
    back = tmp_path / "back.raw"
    to_raw(made.folder / made.image.disks[0].file, "qcow2", back)
    return back.read_bytes() == raw.read_bytes()


def pushed(text, *members, architecture="amd64"):
    """Push a container image of one layer with these files; return its digest."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    tar = out.getvalue()
    image = made_image([NewLayer(Blob.of(LAYER, tar), digest_of(tar), "files")], About("2027-01-15T08:00:00Z", {}, {}))
    config = Blob.of(image.config_blob.descriptor.media_type, canonical({**image.config, "architecture": architecture}))
    manifest = canonical({**image.manifest, "config": config.descriptor.as_json()})
    image = OciImage(Blob.of(image.manifest_blob.descriptor.media_type, manifest), config, image.layer_blobs)
    reference = Reference.parse(text)
    with Repository(reference) as repository:
        for blob in image.blobs:
            repository.push_blob(blob, Sent())
        repository.push_manifest(image.manifest_blob, reference.tag)
    return image.digest


@pytest.mark.parametrize("form", ["raw", "vmdk", "raw.zst"])
def test_a_disk_that_was_published_is_imported_as_the_disk_it_is(
    importing, kept, source, raw, registry, logged_in, tmp_path, form
):
    place = f"oci://{registry}/imported/{form.replace('.', '-')}:1"
    publish_disk(source, place, form, home=kept)
    made = importing(place)
    assert made.image.name == form.replace(".", "-")
    assert made.image.parent_image == f"imported from {place}"
    assert same_disk(made, raw, tmp_path)
    with pytest.raises(OciError, match=r"is an artifact of the type 'application/vnd.goldsmith.disk.v1'") as refused:
        pin_parent(place, tmp_path, kept)
    assert "goldsmith import" in refused.value.mend


def test_what_oras_pushed_is_imported_and_it_pulls_what_we_published(
    importing, kept, source, raw, registry, logged_in, tmp_path, monkeypatch
):
    client = pytest.importorskip("oras.client", reason="oras is not installed").OrasClient(
        insecure=True, auth_backend="basic"
    )
    client.auth.set_basic_auth("u", "secret")
    disk = tmp_path / "brought.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(disk)], check=True)
    monkeypatch.chdir(tmp_path)
    client.push(target=f"{registry}/oras/brought:1", files=["brought.qcow2"])
    assert same_disk(importing(f"oci://{registry}/oras/brought:1"), raw, tmp_path)
    publish_disk(source, f"{registry}/oras/ours:1", "raw", home=kept)
    (pulled,) = client.pull(target=f"{registry}/oras/ours:1", outdir=str(tmp_path / "pulled"))
    assert Path(pulled).name == "small.raw"
    assert Path(pulled).read_bytes() == raw.read_bytes()


def test_an_artifact_without_a_disk_is_refused_with_what_it_has_and_a_kind_can_be_said(
    importing, kept, source, raw, registry, logged_in, tmp_path
):
    place = f"oci://{registry}/imported/other:1"
    publish_disk(source, place, "raw", home=kept)
    with Repository(Reference.parse(place)) as repository:
        document = repository.manifest("1")
        renamed = document.read().replace(b"small.raw", b"small.bin")
        repository.push_manifest(Blob.of(document.descriptor.media_type, renamed), "2")
    with pytest.raises(ImportRefusedError, match=r"with 'small.bin', of which none is a disk") as refused:
        importing(f"oci://{registry}/imported/other:2")
    assert "--kind" in refused.value.mend
    with opened_content(f"oci://{registry}/imported/other:2", scratch=tmp_path) as content:
        assert isinstance(content, Artifact)
        assert [title_of(file) for file in content.files] == ["small.bin"]
    assert same_disk(importing(f"oci://{registry}/imported/other:2", kind="raw"), raw, tmp_path)


def test_a_container_image_of_a_registry_is_a_parent_pinned_by_its_digest(
    importing, kept, registry, logged_in, tmp_path
):
    place = f"oci://{registry}/team/base:12"
    digest = pushed(place, ("etc/passwd", b"root:x:0:0::/:/bin/sh\n"), ("../../up", b""), ("/rooted", b""))
    with pytest.raises(TreeRefusedError, match="has no kernel in /boot"):
        importing(place)
    parent = pin_parent(place, tmp_path, kept)
    assert (parent.digest, parent.image) == (digest, f"oci://{registry}/team/base@{digest}")
    pushed(place, ("etc/other", b""))
    with Workspace(kept.path, memory=1 << 28) as workspace:
        folder = workspace.path / "parent"
        files = ParentFiles(workspace, folder, kept.path, tmp_path, "")
        assert files.lay(parent, Stage("parent", lambda _: None)) >= 1_700_000_000
        listed = workspace.run(["find", ".", "-type", "f"], cwd=folder).stdout.decode().split()
    assert sorted(listed) == ["./etc/passwd", "./rooted", "./up"]


def test_what_cannot_be_had_is_told(importing, kept, registry, logged_in, tmp_path, monkeypatch):
    pushed(f"oci://{registry}/team/arm:1", ("etc/hello", b""), architecture="arm64")
    with pytest.raises(OciError, match="is an image for linux/arm64"):
        pin_parent(f"oci://{registry}/team/arm:1", tmp_path, kept)
    with pytest.raises(OciError, match="has no team/arm of the name 2"):
        importing(f"oci://{registry}/team/arm:2")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none.json"))
    with pytest.raises(OciError, match=r"does not let us use .* without a login") as refused:
        importing(f"oci://{registry}/team/arm:1")
    assert "skopeo login" in refused.value.mend
