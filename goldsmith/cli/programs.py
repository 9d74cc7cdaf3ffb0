"""The host's programs that a build runs, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from goldsmith.errors import GoldsmithError

PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "sfdisk": "fdisk",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "grub-mkimage": "grub-common",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "newuidmap": "uidmap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
FILES = {
    "/usr/lib/grub/x86_64-efi/moddep.lst": "grub-efi-amd64-bin",
    "/usr/lib/grub/i386-pc/moddep.lst": "grub-pc-bin",
    "/usr/share/OVMF/OVMF_CODE_4M.fd": "ovmf",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class ProgramsMissingError(GoldsmithError):
    """This host lacks programs that a build runs."""


def search_system_folders() -> None:
    """Look for programs where the system has them, too: an ordinary user's PATH has no sbin, where mke2fs is."""
    named = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*filter(None, named), *(each for each in FOLDERS if each not in named)])


def missing_programs() -> dict[str, str]:
    """Return the programs and files that are not here, each with the package that brings it."""
    path = os.pathsep.join(FOLDERS)
    missing = {program: package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)}
    return missing | {file: package for file, package in FILES.items() if not Path(file).exists()}


def install_command(missing: dict[str, str]) -> str:
    """Return the command that brings what is missing."""
    return f"apt-get install --no-install-recommends {' '.join(sorted(set(missing.values())))}"


def require_programs() -> None:
    """Raise ProgramsMissingError naming each program that a build would miss, and its package."""
    missing = missing_programs()
    if missing:
        named = ", ".join(f"{program} (package {package})" for program, package in missing.items())
        raise ProgramsMissingError(f"This host lacks {named}.", mend=f"Run as root: {install_command(missing)}")
