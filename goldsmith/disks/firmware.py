"""What both firmwares start: GRUB in the BIOS-boot partition and MBR, and on the ESP's removable path.

Sources: GRUB's grub-core/boot/i386/pc/boot.S and diskboot.S for the block lists; the UEFI specification 3.5 for
the path.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldsmith.disks.partitions import SECTOR
from goldsmith.disks.plan import DiskError
from goldsmith.disks.tools import run_tool

if TYPE_CHECKING:
    from goldsmith.disks.partitions import Layout
    from goldsmith.disks.plan import DiskPlan

GRUB_FOLDER = Path("/usr/lib/grub")

_MODULES = (
    "all_video", "configfile", "echo", "ext2", "fat", "font", "gfxmenu", "gfxterm", "gzio", "halt", "linux",
    "loadenv", "ls", "minicmd", "normal", "part_gpt", "part_msdos", "reboot", "search", "search_fs_file",
    "search_fs_uuid", "search_label", "serial", "sleep", "terminal", "test", "true",
)  # fmt: skip
"""What our menu and the one that update-grub writes inside the instance ask for, so that no module files are needed."""

_BIOS_MODULES = ("biosdisk", "vbe", "vga")
_EFI_MODULES = ("efi_gop", "efi_uga", "efifwsetup")

_MBR_CODE = 440
_KERNEL_SECTOR_AT = 0x5C
_DRIVE_CHECK_AT = 0x66
_BLOCK_LIST_AT = 0x1F4
_LOAD_SEGMENT = 0x820
_FAT_CLUSTER_SECTORS = 1


def install(plan: DiskPlan, layout: Layout, disk: Path) -> None:
    """Make the disk bootable under BIOS and UEFI; its root has to hold /boot/grub/grub.cfg."""
    with TemporaryDirectory(prefix="goldsmith-grub-") as folder:
        search = Path(folder) / "search.cfg"
        search.write_text(
            f"search --no-floppy --fs-uuid --set=root {plan.root_uuid}\n"
            "set prefix=($root)/boot/grub\n"
            "configfile ($root)/boot/grub/grub.cfg\n"
        )
        core = _image(Path(folder), search, "i386-pc", _BIOS_MODULES).read_bytes()
        efi = _image(Path(folder), search, "x86_64-efi", _EFI_MODULES)
        _install_bios(layout, disk, core)
        _install_efi(plan, layout, disk, efi)


def _image(folder: Path, search: Path, platform: str, modules: tuple[str, ...]) -> Path:
    """Make a GRUB image of one platform."""
    image = folder / platform
    if not (GRUB_FOLDER / platform).is_dir():
        package = "grub-pc-bin" if platform == "i386-pc" else "grub-efi-amd64-bin"
        raise DiskError(f"GRUB for {platform} is not on this host.", mend=f"Install it: apt-get install {package}")
    run_tool(
        ["grub-mkimage", "--format", platform, "--output", str(image), "--config", str(search),
         "--prefix", "/boot/grub", *_MODULES, *modules]
    )  # fmt: skip
    return image


def _install_bios(layout: Layout, disk: Path, core: bytes) -> None:
    """Put core.img into its partition and boot.img before it, each knowing where the next sector is."""
    if len(core) > layout.bios.size:
        raise DiskError(f"GRUB's core of {len(core)} bytes exceeds the BIOS-boot partition.")
    first = layout.bios.offset // SECTOR
    padded = bytearray(core.ljust(-(-len(core) // SECTOR) * SECTOR, b"\0"))
    sectors = len(padded) // SECTOR
    struct.pack_into("<QHH", padded, _BLOCK_LIST_AT, first + 1, sectors - 1, _LOAD_SEGMENT)
    boot = bytearray((GRUB_FOLDER / "i386-pc/boot.img").read_bytes()[:_MBR_CODE])
    struct.pack_into("<Q", boot, _KERNEL_SECTOR_AT, first)
    boot[_DRIVE_CHECK_AT : _DRIVE_CHECK_AT + 2] = b"\x90\x90"
    with disk.open("r+b") as file:
        os.pwrite(file.fileno(), boot, 0)
        os.pwrite(file.fileno(), padded, layout.bios.offset)


def _install_efi(plan: DiskPlan, layout: Layout, disk: Path, image: Path) -> None:
    """Make the ESP in place and put GRUB on the path that a firmware without boot entries tries."""
    esp = layout.esp
    run_tool(
        ["mkfs.fat", "--invariant", "-F", "32", "-s", str(_FAT_CLUSTER_SECTORS), "-i", f"{plan.esp_volume_id:08x}",
         "-n", "ESP", "--offset", str(esp.offset // SECTOR), str(disk), str(esp.size // 1024)]
    )  # fmt: skip
    os.utime(image, (plan.epoch, plan.epoch))
    env = {"SOURCE_DATE_EPOCH": str(plan.epoch), "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}
    place = f"{disk}@@{esp.offset}"
    run_tool(["mmd", "-i", place, "::/EFI", "::/EFI/BOOT"], env=env)
    run_tool(["mcopy", "-m", "-i", place, str(image), "::/EFI/BOOT/BOOTX64.EFI"], env=env)
