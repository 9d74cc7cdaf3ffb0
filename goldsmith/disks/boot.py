"""The files that a tree needs to boot from the disk that its plan describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldsmith.disks.plan import DiskPlan

CONSOLES = "console=tty0 console=ttyS0,115200"
"""The last one is /dev/console: systemd's messages go to the serial port, as an instance's console output wants."""

_GRUB_DEFAULTS = f"""\
# Written by Goldsmith, so that update-grub writes the menu that the image came with.
GRUB_TIMEOUT=0
GRUB_TIMEOUT_STYLE=hidden
GRUB_RECORDFAIL_TIMEOUT=0
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="{CONSOLES}"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --speed=115200"
GRUB_DISABLE_OS_PROBER=true
"""


def boot_files(plan: DiskPlan) -> dict[str, str]:
    """Return the text of each file, by its absolute path, mode 0644; their folders and /boot/efi may be missing yet.

    /etc/grub.d/enable_cloud is grub-cloud-amd64's flag: with it a later upgrade of GRUB installs itself for both
    firmwares, so it must not be there while the tree is built.
    """
    return {
        "/etc/fstab": (
            f"UUID={plan.root_uuid} / ext4 defaults,errors=remount-ro 0 1\n"
            f"UUID={plan.esp_uuid} /boot/efi vfat umask=0077,nofail 0 1\n"
        ),
        "/boot/grub/grub.cfg": _menu(plan),
        "/etc/default/grub.d/90_goldsmith.cfg": _GRUB_DEFAULTS,
        "/etc/grub.d/enable_cloud": "",
    }


def _menu(plan: DiskPlan) -> str:
    """A menu that names the kernel by the links which each kernel package sets anew."""
    return f"""\
serial --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
search --no-floppy --fs-uuid --set=root {plan.root_uuid}
set links=
if [ ! -e /vmlinuz ]; then set links=/boot; fi
menuentry "Debian GNU/Linux" {{
    linux $links/vmlinuz root=UUID={plan.root_uuid} ro {CONSOLES}
    initrd $links/initrd.img
}}
menuentry "Debian GNU/Linux, previous kernel" {{
    linux $links/vmlinuz.old root=UUID={plan.root_uuid} ro {CONSOLES}
    initrd $links/initrd.img.old
}}
"""
