"""qcow2 images of our own, as QEMU sees them."""

from __future__ import annotations

import os
import random
import subprocess

import pytest

from goldsmith.disks.clusters import CLUSTER, index_path
from goldsmith.disks.packing import Packing
from goldsmith.disks.qcow2 import write_qcow2

pytestmark = pytest.mark.sandbox


@pytest.fixture
def raw(tmp_path):
    """9 MB of data, compressible or not, over a disk of 1.5 GiB and a bit, with zeros that are no holes."""
    chance = random.Random(3)  # noqa: S311 - a fixed sequence is what is wanted
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate((3 << 29) + 512)
        file.write(chance.randbytes(3 * CLUSTER) + b"text" * 200_000 + bytes(5 * CLUSTER))
        file.seek(700_000_123)
        file.write(b"".join(chance.randbytes(16) * 100 for _ in range(4000)))
        file.seek((3 << 29) + 511)
        file.write(b"!")
    return path


def assert_same_disk(image, raw):
    checked = subprocess.run(["qemu-img", "check", "-f", "qcow2", image], capture_output=True, text=True, check=False)
    assert "No errors were found" in checked.stdout, checked.stdout + checked.stderr
    subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, image], check=True, capture_output=True)


def test_qemu_reads_the_same_disk(raw, tmp_path):
    heard = []
    write_qcow2(raw, tmp_path / "a.qcow2", progress=lambda done, total: heard.append((done, total)))
    assert_same_disk(tmp_path / "a.qcow2", raw)
    assert heard[-1][0] == heard[-1][1] > 7_000_000


def test_an_empty_disk(tmp_path):
    raw = tmp_path / "empty.raw"
    with raw.open("wb") as file:
        file.truncate(1 << 20)
    write_qcow2(raw, tmp_path / "e.qcow2")
    assert_same_disk(tmp_path / "e.qcow2", raw)


def test_reuse_changes_no_byte(raw, tmp_path):
    write_qcow2(raw, tmp_path / "old.qcow2")
    with raw.open("r+b") as file:
        os.pwrite(file.fileno(), b"changed", 700_500_000)
    write_qcow2(raw, tmp_path / "fresh.qcow2")
    write_qcow2(raw, tmp_path / "reused.qcow2", reuse=tmp_path / "old.qcow2")
    assert (tmp_path / "reused.qcow2").read_bytes() == (tmp_path / "fresh.qcow2").read_bytes()
    assert_same_disk(tmp_path / "reused.qcow2", raw)


def test_what_is_rewritten_after_it_was_packed_is_packed_again(raw, tmp_path):
    with Packing(raw) as packing:
        packing.final(CLUSTER, 800_000_000)
        for future in list(packing._ready.values()):
            future.result()
        with raw.open("r+b") as file:
            os.pwrite(file.fileno(), b"changed", 700_500_000)
            os.pwrite(file.fileno(), b"changed", 5)
        packing.rewritten(700_500_000, 700_500_007)
        write_qcow2(raw, tmp_path / "a.qcow2", packing=packing)
    assert_same_disk(tmp_path / "a.qcow2", raw)


def test_a_damaged_earlier_image_is_not_believed(raw, tmp_path):
    old = tmp_path / "old.qcow2"
    write_qcow2(raw, old)
    fresh = old.read_bytes()
    old.write_bytes(bytes(byte ^ 1 for byte in fresh[: len(fresh) // 2]))
    write_qcow2(raw, tmp_path / "new.qcow2", reuse=old)
    assert (tmp_path / "new.qcow2").read_bytes() == fresh


@pytest.mark.parametrize("text", [b"", b"another writer\n" + bytes(96)])
def test_an_unknown_index_is_left_aside(raw, tmp_path, text):
    old = tmp_path / "old.qcow2"
    write_qcow2(raw, old)
    index_path(old).write_bytes(text)
    write_qcow2(raw, tmp_path / "new.qcow2", reuse=old)
    assert (tmp_path / "new.qcow2").read_bytes() == old.read_bytes()


def test_nothing_is_left_of_a_failure(raw, tmp_path):
    def full(done, total):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_qcow2(raw, tmp_path / "x.qcow2", progress=full)
    assert [path.name for path in tmp_path.iterdir()] == ["disk.raw"]
