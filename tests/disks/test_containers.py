"""Images that would have QEMU open other files of this host are refused before QEMU sees them."""

from __future__ import annotations

import json
import subprocess

import pytest

from goldsmith.disks.containers import to_raw
from goldsmith.disks.plan import DiskError

pytestmark = pytest.mark.sandbox


def create(*argv):
    subprocess.run(["qemu-img", "create", "-q", *map(str, argv)], check=True)


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"secret" * 20_000)
    return file


def assert_refused(image, kind, words, tmp_path):
    output = tmp_path / "out.raw"
    with pytest.raises(DiskError, match=words):
        to_raw(image, kind, output)
    assert not output.exists()


def test_a_backing_file(tmp_path, secret):
    create("-f", "qcow2", "-F", "raw", "-b", secret, tmp_path / "d.qcow2")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "a backing file", tmp_path)


def test_a_data_file(tmp_path, secret):
    create("-f", "qcow2", "-o", f"data_file={tmp_path / 'data'},data_file_raw=on", tmp_path / "d.qcow2", "1M")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "a data file", tmp_path)


def test_a_vmdk_of_extents(tmp_path, secret):
    image = tmp_path / "d.vmdk"
    image.write_text(
        '# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
        f'RW 100 FLAT "{secret}" 0\n'
    )
    assert_refused(image, "vmdk", "other files", tmp_path)


def test_a_vmdk_with_a_parent(tmp_path):
    create("-f", "vmdk", tmp_path / "parent.vmdk", "1M")
    create("-f", "vmdk", "-F", "vmdk", "-b", tmp_path / "parent.vmdk", tmp_path / "d.vmdk")
    assert_refused(tmp_path / "d.vmdk", "vmdk", "a parent disk", tmp_path)


@pytest.mark.parametrize("kind", ["qcow2", "vmdk"])
def test_another_format_under_a_name_it_does_not_have(tmp_path, secret, kind):
    assert_refused(secret, kind, f"is not a {kind} image", tmp_path)


def test_a_disk_too_large_to_read(tmp_path):
    create("-f", "qcow2", tmp_path / "d.qcow2", "2T")
    assert_refused(tmp_path / "d.qcow2", "qcow2", "2048 GiB", tmp_path)


@pytest.mark.parametrize(
    ("kind", "options"), [("qcow2", []), ("vmdk", []), ("vmdk", ["-o", "subformat=streamOptimized"])]
)
def test_an_image_that_is_whole(tmp_path, secret, kind, options):
    image = tmp_path / "a name, with=odd:letters"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, secret, f"file:{image}"], check=True)
    output = tmp_path / "out.raw"
    to_raw(image, kind, output)
    assert output.read_bytes().startswith(secret.read_bytes())
    shown = subprocess.run(["qemu-img", "info", "--output=json", "-f", "raw", output], capture_output=True, check=True)
    assert json.loads(shown.stdout)["virtual-size"] == -(-len(secret.read_bytes()) // 512) * 512
