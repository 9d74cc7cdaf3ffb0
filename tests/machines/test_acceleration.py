from __future__ import annotations

from pathlib import Path

import pytest

from goldsmith.machines import acceleration
from goldsmith.machines.acceleration import probe, try_kvm

NO_KERNEL = Path("/dev/null")


def test_without_the_device_it_is_emulation(tmp_path: Path) -> None:
    found = probe(tmp_path, device=tmp_path / "kvm")
    assert found.kind == "tcg"
    assert "does not exist" in found.reason


def test_what_is_no_kernel_is_no_proof() -> None:
    assert try_kvm(NO_KERNEL, accelerator="tcg").kind == "tcg"


def test_a_hang_is_ended_by_the_limit(tmp_path: Path) -> None:
    hang = tmp_path / "hang"
    hang.write_bytes(multiboot_that_hangs())
    found = try_kvm(hang, accelerator="tcg", limit=2)
    assert found.kind == "tcg"
    assert "hung" in found.reason


def multiboot_that_hangs() -> bytes:
    """A kernel for QEMU's -kernel (multiboot 1, address fields) that jumps to itself."""
    magic, flags, load = 0x1BADB002, 0x10000, 0x100000
    fields = (magic, flags, -(magic + flags) & 0xFFFFFFFF, load, load, load + 64, load + 64, load + 32)
    return b"".join(field.to_bytes(4, "little") for field in fields) + b"\xeb\xfe" + bytes(30)


def test_the_answer_is_remembered_for_this_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probe(tmp_path, NO_KERNEL, device=Path("/dev/null"))
    monkeypatch.setattr(acceleration, "try_kvm", lambda *_: pytest.fail("probed again"))
    assert probe(tmp_path, NO_KERNEL, device=Path("/dev/null")) == found


@pytest.mark.boots
@pytest.mark.sandbox
@pytest.mark.network
def test_a_kernel_that_runs_is_the_proof(kernel: Path) -> None:
    found = try_kvm(kernel, accelerator="tcg", limit=120)
    assert found.kind == "kvm", found.reason
