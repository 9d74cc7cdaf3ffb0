"""A plan's identifiers follow from its digest."""

from __future__ import annotations

import pytest

from goldsmith.disks.boot import boot_files
from goldsmith.disks.formats import FORMATS, named
from goldsmith.disks.plan import MIB, DiskError, DiskPlan


def test_one_digest_gives_one_plan_and_another_shares_nothing_with_it():
    assert DiskPlan.derive("a", 1) == DiskPlan.derive("a", 1)
    one, other = DiskPlan.derive("a", 1), DiskPlan.derive("b", 1)
    named_by = ("root_uuid", "disk_guid", "bios_guid", "esp_guid", "root_guid", "esp_volume_id", "hash_seed")
    assert len({getattr(plan, name) for plan in (one, other) for name in named_by}) == 2 * len(named_by)


@pytest.mark.parametrize("size", [0, 100 * MIB, 512 * MIB + 1, 1 << 50])
def test_sizes_that_cannot_be_are_refused(size):
    with pytest.raises(DiskError, match=f"{size} bytes") as refused:
        DiskPlan.derive("a", 1, size)
    assert "512 MiB" in refused.value.mend


def test_boot_files_name_the_plans_identifiers_and_put_the_serial_console_last():
    plan = DiskPlan.derive("a", 1)
    files = boot_files(plan)
    assert f"UUID={plan.root_uuid} / ext4" in files["/etc/fstab"]
    assert f"UUID={plan.esp_uuid} /boot/efi vfat" in files["/etc/fstab"]
    menu = files["/boot/grub/grub.cfg"]
    assert menu.count(f"root=UUID={plan.root_uuid} ro console=tty0 console=ttyS0,115200\n") == 2
    assert "console=tty0 console=ttyS0,115200" in files["/etc/default/grub.d/90_goldsmith.cfg"]


def test_formats_are_found_by_name():
    assert named("qcow2") is FORMATS["qcow2"]
    with pytest.raises(DiskError, match='"vdi"') as refused:
        named("vdi")
    assert "qcow2, raw" in refused.value.mend
