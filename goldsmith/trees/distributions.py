"""The distributions that a tree can be bootstrapped from: their archives and the packages of a cloud image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DEBIAN = "http://deb.debian.org/debian"
DEBIAN_SECURITY = "http://deb.debian.org/debian-security"

BOOT = ("linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-cloud-amd64")
"""A kernel for virtual machines, and what a later kernel upgrade inside the instance needs for both firmwares."""

SYSTEM = (
    "systemd-sysv", "udev", "dbus", "ca-certificates", "e2fsprogs", "iproute2", "kmod",
    "isc-dhcp-client", "less", "netbase", "openssh-server", "procps", "sudo", "tzdata", "util-linux-extra",
)  # fmt: skip

CLOUD = ("cloud-init", "cloud-guest-utils")
"""First boot as on EC2: keys, hostname, user data, and a root file system that grows with its disk."""


MERGED = "usr-is-merged"
"""For a tree whose /usr is merged from the start. Its alternative, usrmerge, brings perl and eight packages more."""

UNITS = ("systemd-networkd.service", "systemd-resolved.service")
"""The one network configuration of an image: cloud-init writes networkd's own files."""


@dataclass(frozen=True)
class Archive:
    """One suite of a package archive."""

    uri: str
    suite: str
    components: tuple[str, ...] = ("main",)

    @property
    def source_line(self) -> str:
        """The line of sources.list(5)."""
        return f"deb {self.uri} {self.suite} {' '.join(self.components)}"

    @property
    def release_uri(self) -> str:
        """Where the suite's signed index of indexes is."""
        return f"{self.uri}/dists/{self.suite}/InRelease"


@dataclass(frozen=True)
class Distribution:
    """A release that can be bootstrapped; ``packages`` are installed beside its essential ones."""

    name: str
    release: str
    codename: str
    archives: tuple[Archive, ...]
    packages: tuple[str, ...]

    @property
    def parent_image(self) -> str:
        """What a recipe's parentImage says."""
        return f"{self.name}/{self.release}"


_CODENAMES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}


def debian(release: str, *, security: bool = True, sources: Path = Path("/etc/apt")) -> Distribution:
    """Return Debian ``release`` with its security and stable updates, from the host's own mirror where it has one."""
    codename = _CODENAMES[release]
    main, updates = host_mirrors(sources)
    archives = [Archive(main, codename)]
    if security:
        archives += [Archive(main, f"{codename}-updates"), Archive(updates, f"{codename}-security")]
    later = () if release == "11" else (MERGED, "systemd-resolved")
    extra = tuple(package for package in SYSTEM if not (release == "11" and package == "util-linux-extra"))
    return Distribution("debian", release, codename, tuple(archives), (*BOOT, *extra, *CLOUD, *later))


def releases() -> tuple[str, ...]:
    """Return the releases of Debian that can be parents."""
    return tuple(_CODENAMES)


def host_mirrors(sources: Path) -> tuple[str, str]:
    """Return the host's Debian mirrors for the archive and its security updates, or Debian's public ones."""
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*.list"))]
    files += sorted((sources / "sources.list.d").glob("*.sources"))
    found = re.findall(
        r"^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(https?://[^\s@]+)",
        "\n".join(file.read_text() for file in files if file.is_file()),
        flags=re.MULTILINE,
    )
    plain = [uri.rstrip("/") for uri in found]
    main = next((uri for uri in plain if uri.endswith("/debian")), DEBIAN)
    security = next((uri for uri in plain if uri.endswith("/debian-security")), DEBIAN_SECURITY)
    return main, security
