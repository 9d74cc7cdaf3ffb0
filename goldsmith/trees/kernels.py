"""Kernels of a tree: each gets its initramfs once, when everything that goes into it is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from goldsmith.guests.guest import Guest

_SETTLE = """
set -eu
for kernel in /boot/vmlinuz-*; do
    [ -e "$kernel" ] || continue
    version=${kernel#/boot/vmlinuz-}
    if [ ! -e "/boot/initrd.img-$version" ]; then
        update-initramfs -c -k "$version" >&2
        ! command -v linux-update-symlinks >/dev/null || linux-update-symlinks install "$version" "$kernel"
        echo "$version"
    fi
done
"""


class KernelError(GoldsmithError):
    """A kernel's initramfs could not be made."""


def settle_kernels(guest: Guest, *, epoch: int) -> tuple[str, ...]:
    """Make the initramfs of every kernel without one; return their versions.

    Installing a kernel in the sandbox leaves it out (INITRD=No, see kernel-img.conf(5)'s hooks): stock packages
    would make it twice. ``epoch`` is the time that its files get.
    """
    done = guest.run(["sh", "-c", _SETTLE], env={"SOURCE_DATE_EPOCH": str(epoch), "INITRD": "Yes"})
    if done.exit_code:
        raise KernelError(
            f"The initramfs could not be made: {done.stderr.decode(errors='replace').strip()[-2000:]}",
            mend="The last lines say which hook failed; a component may have changed /etc/initramfs-tools.",
        )
    return tuple(done.stdout.decode().split())


def newest_kernel() -> bytes:
    """Return the newest kernel of the tree that the caller has changed its root to; empty where there is none."""
    found = [file for file in Path("/boot").glob("vmlinuz-*") if file.is_file() and not file.is_symlink()]
    return max(found, key=lambda file: file.stat().st_mtime).read_bytes() if found else b""
