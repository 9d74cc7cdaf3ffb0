"""Leftovers inside files that an image does have: accounts, machine identity, apt's and other tools' settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.trees.scan.files import read_small
from goldsmith.trees.scan.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD_ACCOUNTS = frozenset({"packer", "vagrant", "imagebuilder", "goldsmith-build"})

PEOPLE = range(1000, 60000)

LOCKED = re.compile(r"^[!*]+$")

_LOGIN_IN_ADDRESS = re.compile(rb"[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{0,200}:[^\s/@\"']{1,500}@")

_WITH_ADDRESSES = re.compile(
    r"/\.gitconfig$|/\.config/git/config$|/pip\.conf$|/\.?npmrc$|/\.condarc$|/\.(wget|curl)rc$|^/etc/(gitconfig|wgetrc"
    r"|environment|yum\.conf|dnf/dnf\.conf)$|^/etc/yum\.repos\.d/[^/]*\.repo$|/\.git/config$"
)

_APT_SOURCES = re.compile(r"^/etc/apt/sources\.list(\.d/[^/]*)?$")
_APT_CONFIGURATION = re.compile(r"^/etc/apt/apt\.conf(\.d/[^/]*)?$")

_LINES = (
    ("apt-sources", _APT_SOURCES, re.compile(rb"://[^\s/]{1,500}@")),
    (
        "apt-sources",
        _APT_SOURCES,
        re.compile(
            rb"^\s*(?:deb|URIs:)[^\n#]*\s(?:(?:mirror\+)?(?:file|copy|cdrom):|https?://(?:localhost|127\.|\[::1\]))"
        ),
    ),
    ("apt-proxy", _APT_CONFIGURATION, re.compile(rb"^[^/#]*(?i:Proxy)[A-Za-z-]*(?:::\S+)?\s+\"[^\"]")),
    (
        "package-credentials",
        re.compile(r"/\.?(npm|yarn)rc(\.yml)?$"),
        re.compile(rb"(?i)^[^#;]*(_auth|_password|npmAuth)"),
    ),
    ("git-credentials", re.compile(r"/\.?gitconfig$|/git/config$"), re.compile(rb"(?i)extraheader.*authorization")),
    ("url-passwords", _WITH_ADDRESSES, _LOGIN_IN_ADDRESS),
    ("hosts", re.compile(r"^/etc/hosts$"), re.compile(rb"^\s*127\.0\.1\.1\s")),
    (
        "host-identity",
        re.compile(r"^/etc/iscsi/initiatorname\.iscsi$"),
        re.compile(rb"(?i)^\s*InitiatorName\s*=\s*iqn"),
    ),
)

_ANY_SETTING = re.compile("|".join(f"(?:{place.pattern})" for _, place, _ in _LINES))


def is_setting(path: str) -> bool:
    """Whether a file of that path is read for left-over settings."""
    return _ANY_SETTING.search(path) is not None


def setting_findings(root: str, path: str) -> Iterator[Finding]:
    """Yield the lines of a settings file that only the build could want."""
    for number, line in enumerate(read_small(root, path).split(b"\n"), start=1):
        for rule, place, pattern in _LINES:
            if place.search(path) and pattern.search(line):
                yield Finding(path, rule, number, cleanup=rule)


def identity_findings(root: str) -> Iterator[Finding]:
    """Yield a machine id, host name or swap file that is the build machine's."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        if read_small(root, path).strip() not in {b"", b"uninitialized"}:
            yield Finding(path, "machine-id", 1, cleanup="machine-id")
    if read_small(root, "/etc/hostname").strip() not in {b"", b"localhost"}:
        yield Finding("/etc/hostname", "instance-files", 1, cleanup="instance-files")
    in_use = read_small(root, "/etc/fstab").decode(errors="replace").split()
    for path in ("/swapfile", "/swap.img"):
        if path not in in_use and read_small(root, path, 1):
            yield Finding(path, "swap", cleanup="swap")


def account_findings(root: str, accounts: frozenset[str] | None) -> Iterator[Finding]:
    """Yield accounts of the build, those open to everybody, and a root that has a password.

    ``accounts`` are the only names that may have a uid of 1000 or more; None allows all but known build accounts.
    """
    for number, fields in _records(root, "/etc/passwd", 7):
        name, password, uid = fields[0], fields[1], fields[2]
        person = uid.isdigit() and int(uid) in PEOPLE
        if name in BUILD_ACCOUNTS or (person and accounts is not None and name not in accounts):
            yield Finding("/etc/passwd", "build-accounts", number, f"account {name}", cleanup="build-accounts")
        if not password:
            yield Finding("/etc/passwd", "account-without-password", number, f"account {name}")
        if uid.isdigit() and int(uid) == 0 and name != "root":
            yield Finding("/etc/passwd", "second-root", number, f"account {name}")
        if name == "root" and password not in {"", "x"} and not LOCKED.match(password):
            yield Finding("/etc/passwd", "locked-root", number, "root has a password", cleanup="locked-root")
    for number, fields in _records(root, "/etc/shadow", 2):
        name, password = fields[0], fields[1]
        if name == "root" and not LOCKED.match(password):
            yield Finding("/etc/shadow", "locked-root", number, "root has a password", cleanup="locked-root")
        elif not password:
            yield Finding("/etc/shadow", "account-without-password", number, f"account {name}")


def _records(root: str, path: str, least: int) -> Iterator[tuple[int, list[str]]]:
    text = read_small(root, path, 16 << 20).decode(errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split(":")
        if len(fields) >= least and fields[0]:
            yield number, fields
