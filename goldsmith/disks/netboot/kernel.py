"""What a netboot takes from a disk: its kernel, that kernel's initramfs, and the modules which the root needs."""

from __future__ import annotations

import io
import lzma
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

from goldsmith.disks.ext4.lookup import find, names, read
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.disks.ext4.reader import FileSystem

_LARGEST_MODULE = 64 << 20
_LARGEST_LIST = 8 << 20
_LARGEST_KERNEL = 512 << 20


@dataclass(frozen=True)
class Kernel:
    """A kernel, its initramfs, and its ``modules`` as (name, uncompressed content) in the order to load them."""

    version: str
    image: bytes
    initramfs: bytes
    modules: tuple[tuple[str, bytes], ...]


def read_kernel(files: FileSystem, root: str) -> Kernel:
    """Return the newest kernel of /boot that has an initramfs, with modules for a ``root`` file system of that kind.

    Raises DiskError where there is none, or a module lacks.
    """
    present = {name.decode(errors="replace") for name in names(files, find(files, "boot"))}
    versions = [
        name.removeprefix("vmlinuz-")
        for name in present
        if name.startswith("vmlinuz-") and f"initrd.img-{name.removeprefix('vmlinuz-')}" in present
    ]
    if not versions:
        raise DiskError(
            "The disk has no kernel with its initramfs in /boot, where netboot takes them from.",
            mend="A netboot is made of images with Debian's kernel and initramfs-tools.",
        )
    version = max(versions, key=_ordered)
    image, initramfs = (read(files, f"boot/{kind}-{version}", _LARGEST_KERNEL) for kind in ("vmlinuz", "initrd.img"))
    if not image or not initramfs:
        raise DiskError(f"The kernel {version} in /boot or its initramfs is no file, or empty.")
    return Kernel(version, image, initramfs, _modules(files, version, ("loop", root, "overlay")))


def _ordered(version: str) -> list[tuple[int, int, str]]:
    """Return what orders versions by their numbers."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|\D+", version)]


def _modules(files: FileSystem, version: str, needed: Iterable[str]) -> tuple[tuple[str, bytes], ...]:
    """Read the needed modules that are not built in, each after what it depends on (modules.dep(5))."""
    folder = f"lib/modules/{version}"
    listed = read(files, f"{folder}/modules.dep", _LARGEST_LIST).decode(errors="replace")
    built_in = {
        _named(line)
        for line in read(files, f"{folder}/modules.builtin", _LARGEST_LIST).decode(errors="replace").split()
    }
    depends = {path: rest.split() for path, _, rest in (line.partition(":") for line in listed.splitlines())}
    paths = {_named(path): path for path in depends}
    order: list[str] = []
    for name in needed:
        if name in paths:
            order += [*reversed(depends[paths[name]]), paths[name]]
        elif name not in built_in:
            raise DiskError(f"The kernel {version} has no module {name}, which a netboot needs.")
    return tuple((_named(path), _unpacked(files, f"{folder}/{path}")) for path in dict.fromkeys(order))


def _named(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0]


def _unpacked(files: FileSystem, path: str) -> bytes:
    """Return a module as the kernel loads it."""
    packed = read(files, path, _LARGEST_MODULE)
    if not packed:
        raise DiskError(f"The module {path} is named in modules.dep, but not on the disk.")
    try:
        if path.endswith(".xz"):
            module = lzma.LZMADecompressor().decompress(packed, _LARGEST_MODULE)
        elif path.endswith(".zst"):
            module = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read(_LARGEST_MODULE)
        elif path.endswith(".gz"):
            module = zlib.decompressobj(31).decompress(packed, _LARGEST_MODULE)
        else:
            module = packed
    except (lzma.LZMAError, zstandard.ZstdError, zlib.error) as wrong:
        raise DiskError(f"The module {path} cannot be unpacked: {wrong}.") from wrong
    return module
