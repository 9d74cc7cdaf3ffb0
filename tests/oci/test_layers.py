"""A tree's layers become an image's, and its layers a tree again: with a real overlay, read by skopeo too."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from goldsmith.oci.applying import apply_layers
from goldsmith.oci.blobs import OciError
from goldsmith.oci.docker_archive import write_docker_archive
from goldsmith.oci.image import About, made_image
from goldsmith.oci.layer import Changed, changed_by, written_layer
from goldsmith.oci.layout import write_layout, write_oci_archive
from goldsmith.oci.opened import is_image, opened_image
from goldsmith.trees.tree import Tree

pytestmark = pytest.mark.sandbox

BASE = """
set -eu
mkdir -p etc var/log/old bin dir
echo secret >etc/machine-id; echo kept >etc/kept; echo a >dir/a; echo log >var/log/old/one
echo program >bin/one; ln bin/one bin/two; ln -s /etc/kept link; mkfifo fifo
chown 1000:1001 etc/kept; chmod 4755 bin/one
setfattr -n user.said -v hello etc/kept; setcap cap_net_raw+ep bin/one
touch -d @1000 etc/kept bin/one
"""
SECOND = "set -eu; rm link; rm -r dir; mkdir dir; echo b >dir/b; echo more >etc/more"
SEAL = "set -eu; rm etc/machine-id; : >etc/machine-id; rm -r var/log/old; chmod 700 etc"
LISTED = "find . -mindepth 1 -printf '%P %y %m %U %G %n %l %Ts\\n' | grep -v ' d ' | sort; getfattr -R -m- -d . 2>/dev/null | sort; find . -type d -printf '%P %m\\n' | sort; find . -type f | sort | xargs cat"
ABOUT = About("2027-01-15T08:00:00Z", {"name": "tested"}, {"org.opencontainers.image.title": "tested"})


@pytest.fixture
def made(workspace):
    """A tree of three layers, mounted, as an image."""
    tree, titles = Tree(workspace), ("base", "second", "seal")
    folders = []
    for script in (BASE, SECOND, SEAL):
        if folders:
            folders.append(tree.open(scaffold=False))
            workspace.run(["sh", "-c", script], cwd=tree.root)
            tree.close()
        else:
            folders.append(tree.next_folder())
            workspace.run(["mkdir", str(folders[0])])
            workspace.run(["sh", "-c", script], cwd=folders[0])
        tree.add(folders[-1])
    tree.open(scaffold=False)
    hidden = changed_by(workspace, folders[-1])
    files = [tempfile.TemporaryFile() for _ in folders]  # noqa: SIM115 - closed below
    layers = [
        written_layer(workspace, folder, title, file.fileno(), hidden=hidden if title != "seal" else Changed())
        for folder, title, file in zip(folders, titles, files, strict=True)
    ]
    yield tree, made_image(layers, ABOUT)
    for file in files:
        file.close()


def listed(workspace, folder):
    return workspace.run(["sh", "-c", LISTED], cwd=folder).stdout.decode(errors="replace")


def applied(workspace, image, name):
    folder = workspace.path / name
    workspace.run(["mkdir", name])
    apply_layers(image, workspace, folder)
    return listed(workspace, folder)


def test_layers_applied_are_the_tree(workspace, made, tmp_path):
    tree, image = made
    expected = listed(workspace, tree.root)
    assert "security.capability" in expected
    assert applied(workspace, image, "direct") == expected
    write_layout(image, tmp_path / "layout")
    with (tmp_path / "one.tar").open("wb") as file:
        write_oci_archive(image, file)
    with (tmp_path / "two.tar").open("wb") as file:
        write_docker_archive(image, file, name="goldsmith/tested:1")
    for number, text in enumerate(
        (f"oci:{tmp_path}/layout", f"{tmp_path}/one.tar", f"docker-archive:{tmp_path}/two.tar:goldsmith/tested:1")
    ):
        with opened_image(text) as read:
            assert applied(workspace, read, f"read{number}") == expected
            assert read.config == image.config
    assert is_image(tmp_path / "layout")
    assert is_image(tmp_path / "two.tar")


def test_what_the_seal_removed_or_replaced_is_in_no_layer(made):
    _, image = made
    for number, opened in enumerate(image.layers):
        with opened() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            names = {member.name: member for member in archive}
        if number < 2:
            assert "etc/machine-id" not in names
            assert "var/log/old/one" not in names
        else:
            assert names["etc/machine-id"].size == 0


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_skopeo_takes_each_form_and_its_copy_is_read_again(made, workspace, tmp_path, kind):
    tree, image = made
    if kind == "oci":
        write_layout(image, tmp_path / "made")
    else:
        write = write_oci_archive if kind == "oci-archive" else write_docker_archive
        with (tmp_path / "made").open("wb") as file:
            write(image, file, name="goldsmith/tested:1")
    name = ":latest" if kind == "oci" else ""
    for target in ("oci-archive", "docker-archive"):
        argv = ["skopeo", "copy", "--quiet", f"{kind}:{tmp_path}/made{name}", f"{target}:{tmp_path}/{target}:a/b:c"]
        subprocess.run(argv, check=True, capture_output=True)
        with opened_image(f"{tmp_path}/{target}") as copied:
            assert copied.diff_ids == image.diff_ids
            assert applied(workspace, copied, target) == listed(workspace, tree.root)


def test_podman_loads_and_pulls_each_form(made, podman, tmp_path):
    _, image = made
    write_layout(image, tmp_path / "layout")
    with (tmp_path / "one.tar").open("wb") as file:
        write_oci_archive(image, file)
    with (tmp_path / "two.tar").open("wb") as file:
        write_docker_archive(image, file, name="goldsmith/tested:1")
    podman("load", "--quiet", "--input", f"{tmp_path}/two.tar")
    seen = [podman("inspect", "--type", "image", "goldsmith/tested:1")]
    names = (f"oci:{tmp_path}/layout:latest", f"oci-archive:{tmp_path}/one.tar")
    seen += [podman("inspect", "--type", "image", podman("pull", "--quiet", name)) for name in names]
    for (said,) in map(json.loads, seen):
        assert said["RootFS"]["Layers"] == list(image.diff_ids)
        assert said["Id"] == image.config_blob.descriptor.digest.removeprefix("sha256:")
        assert (said["Architecture"], said["Labels"]) == ("amd64", {"name": "tested"})


def test_a_hostile_layer_stays_in_its_folder(workspace, tmp_path):
    """Links to everywhere, in one layer and the next: they lead to places in the folder."""
    from goldsmith.oci.blobs import LAYER, Blob, digest_of
    from goldsmith.oci.image import NewLayer

    def a_layer(*members):
        import io

        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, kind, target in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                archive.addfile(info)
        content = out.getvalue()
        return NewLayer(Blob.of(LAYER, content), digest_of(content), "hostile")

    outside = workspace.path / "outside"
    workspace.run(["mkdir", str(outside)])
    workspace.run(["touch", str(outside / "victim")])
    first = a_layer(("up", tarfile.SYMTYPE, str(outside)), ("../../escaped", tarfile.REGTYPE, ""))
    second = a_layer(
        ("up/planted", tarfile.REGTYPE, ""),
        ("up/.wh.victim", tarfile.REGTYPE, ""),
        ("up/.wh..wh..opq", tarfile.REGTYPE, ""),
    )
    folder = workspace.path / "in"
    workspace.run(["mkdir", str(folder)])
    with pytest.raises(OciError):
        apply_layers(made_image([first, second], ABOUT), workspace, folder)
    assert workspace.run(["ls", str(outside)]).stdout == b"victim\n"
    assert b"escaped" in workspace.run(["ls", str(folder)]).stdout


def test_a_damaged_layer_is_refused_before_it_is_unpacked(workspace, made, tmp_path):
    _, image = made
    write_layout(image, tmp_path / "layout")
    largest = tmp_path / "layout/blobs/sha256" / image.layer_blobs[0].descriptor.digest[7:]
    content = bytearray(largest.read_bytes())
    content[-9] ^= 1
    largest.write_bytes(content)
    workspace.run(["mkdir", "damaged"])
    with opened_image(f"oci:{tmp_path}/layout") as read, pytest.raises(OciError, match=r"damaged|unpacked"):
        apply_layers(read, workspace, workspace.path / "damaged")
