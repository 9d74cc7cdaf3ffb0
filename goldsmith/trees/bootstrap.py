"""A new tree of a distribution, made by mmdebstrap(1) from its archives."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.guests.workspace import WorkspaceError
from goldsmith.trees.distributions import MERGED, UNITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.guests.guest import Guest
    from goldsmith.guests.workspace import Workspace
    from goldsmith.trees.distributions import Distribution

FORMAT = 11
"""Raised when the way of bootstrapping changes, so that older layers are not taken for its result."""

_FORGET_OPTIONS = 'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"'
"""mmdebstrap keeps its options in the tree: this build's proxy, which the next finds dead, and unsafe writes."""

FILES = {
    "etc/initramfs-tools/conf.d/goldsmith": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/initramfs-tools/modules": (
        "# Disks of virtual machines: QEMU and KVM, Xen, AWS Nitro, Hyper-V and VMware; drives with metadata.\n"
        "ext4\nvirtio_pci\nvirtio_blk\nvirtio_scsi\nsd_mod\nnvme\nxen_blkfront\nhv_storvsc\nvmw_pvscsi\nahci\nsr_mod\n"
    ),
    "etc/kernel-img.conf": "do_symlinks=yes\n",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/systemd/resolved.conf.d/90-goldsmith.conf": (
        "# Names come from DNS alone: nothing on an instance's network answers otherwise, or should be believed.\n"
        "[Resolve]\nLLMNR=no\nMulticastDNS=no\n"
    ),
    "etc/systemd/network/90-goldsmith.network": (
        "# Where a first boot finds no metadata cloud-init writes no network; what it writes comes before this.\n"
        "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n"
    ),
    "etc/cloud/cloud.cfg.d/90_goldsmith.cfg": (
        "# Where a first boot looks for its metadata; without any of them it has DHCP and no user.\n"
        "datasource_list: [Ec2, OpenStack, NoCloud, ConfigDrive, None]\n"
        "datasource:\n"
        "  Ec2: {strict_id: false, timeout: 10, max_wait: 60,\n"
        '    metadata_urls: ["http://169.254.169.254", "http://[fd00:ec2::254]"]}\n'
        "# Debconf has no say in how this image's GRUB was installed.\n"
        "grub_dpkg: {enabled: false}\n"
        "# The package locales, which this would need, is not there.\n"
        "locale: false\n"
        "ssh_genkeytypes: [ed25519, ecdsa]\n"
        "system_info:\n"
        "  default_user:\n"
        "    {name: admin, lock_passwd: true, gecos: Debian, groups: [adm, sudo],\n"
        '     sudo: ["ALL=(ALL) NOPASSWD:ALL"], shell: /bin/bash}\n'
        "  network: {renderers: [networkd]}\n"
    ),
}
"""Files of a cloud image that no package brings, written before the packages are configured."""


LAST_LINES = 12

_ECHOES = (" failed", " failed to run")
"""How the lines end by which mmdebstrap repeats that apt has failed, after apt has said why."""

UNWANTED = ("e2scrub_reap.service", "e2scrub_all.timer")
"""Units for logical volumes, which no image here has: two seconds of each boot under emulation."""


class BootstrapError(GoldsmithError):
    """mmdebstrap could not make the tree."""


def bootstrap(
    workspace: Workspace,
    distribution: Distribution,
    target: Path,
    *,
    apt_conf: str,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Make a tree of ``distribution`` in the new folder ``target`` of the workspace.

    ``apt_conf`` is configuration for apt while it is made; ``on_line`` hears what mmdebstrap says. Raises
    BootstrapError in words on what was refused: an archive without a valid signature, a package that is not there,
    a network that is not.
    """
    options = [line.rstrip(";") for line in apt_conf.splitlines()]
    argv = [
        "mmdebstrap",
        "--mode=root",
        "--format=directory",
        "--variant=important" if distribution.release == "11" else "--variant=minbase",
        f"--include={','.join(distribution.packages)}",
        "--skip=chroot/mount/sys,check/empty",
        *(["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"] if MERGED in distribution.packages else []),
        "--dpkgopt=force-unsafe-io",
        *(f"--aptopt={option}" for option in options),
        f"--setup-hook={_files_hook()}",
        f"--customize-hook={_FORGET_OPTIONS}",
        distribution.codename,
        str(target),
        *(archive.source_line for archive in distribution.archives),
    ]
    lines: list[str] = []

    def listen(_: str, chunk: bytes) -> None:
        for line in chunk.decode(errors="replace").splitlines():
            lines.append(line)
            if on_line:
                on_line(line)

    try:
        workspace.run(argv, env={"INITRD": "No", "DEBIAN_FRONTEND": "noninteractive"}, on_output=listen)
    except WorkspaceError as failed:
        raise _explained(distribution, lines) from failed


def furnish(guest: Guest) -> None:
    """Give a fresh tree what its packages leave open: its network's units, and a root without a password."""
    for argv in (["systemctl", "enable", *UNITS], ["systemctl", "mask", *UNWANTED], ["passwd", "--lock", "root"]):
        done = guest.run(argv)
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip()
            raise BootstrapError(f"{' '.join(argv)} failed in the new tree: {said}", mend="The build's log has more.")


def _files_hook() -> str:
    """A shell hook that writes FILES below its first argument; mmdebstrap runs it before the first package."""
    words = ["set -eu"]
    for path, text in FILES.items():
        folder = path.rpartition("/")[0]
        words.append(f'mkdir -p "$1/{folder}"')
        words.append(f'printf %s {shlex.quote(text)} >"$1/{path}"')
    return "; ".join(words)


def _explained(distribution: Distribution, lines: list[str]) -> BootstrapError:
    """Say what went wrong in mmdebstrap's and apt's many lines."""
    text = "\n".join(lines)
    errors = [line for line in lines if line.startswith(("E: ", "Err:", "W: GPG")) and not line.endswith(_ECHOES)]
    detail = "; ".join(dict.fromkeys(errors[-6:])) or text[-600:]
    name = distribution.parent_image
    if "No space left on device" in text:
        return BootstrapError(
            f"The work area was full while {name} was made: No space left on device.",
            mend="Give it more room: GOLDSMITH_MEMORY=8G has it in memory, GOLDSMITH_MEMORY=0 on disk.",
        )
    if "BADSIG" in text:
        return BootstrapError(
            f"The archive's signature for {name} is not valid: {detail}",
            mend="Its index was changed on the way or on the mirror: try another network or mirror, and build from no "
            "archive whose signature is bad.",
        )
    if "NO_PUBKEY" in text or "not signed" in text or "EXPKEYSIG" in text:
        return BootstrapError(
            f"The archive's signature for {name} is not valid: {detail}",
            mend="Install or update the package debian-archive-keyring; never build from an unsigned archive.",
        )
    if "Unable to locate package" in text:
        return BootstrapError(
            f"A package of {name} is not in its archives: {detail}", mend="Check the mirror's suites and components."
        )
    if "Could not resolve" in text or "Failed to fetch" in text or "502" in text:
        return BootstrapError(
            f"The archives of {name} cannot be read: {detail}", mend="Check this host's network and apt's mirrors."
        )
    said = "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
    return BootstrapError(
        f"{name} could not be bootstrapped. mmdebstrap's last lines:\n{said}",
        mend="`goldsmith doctor` checks this host.",
    )
