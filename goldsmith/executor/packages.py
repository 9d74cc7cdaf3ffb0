"""The guest's package manager: what is installed, and bringing it up to date."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.executor.attempt import Attempt

APT_OPTIONS = (
    "-y",
    "-q",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "DPkg::Lock::Timeout=120",
)
"""Questions answered with what is there: configuration files that were changed stay."""


class PackageManager(Protocol):
    """What UpdateOS needs of apt-get and yum."""

    def installed(self) -> dict[str, str]:
        """Return the version of each installed package by its name."""

    def refresh(self) -> None:
        """Fetch the archives' indices."""

    def chosen(self, installed: Mapping[str, str], include: Sequence[str], exclude: Sequence[str]) -> list[str]:
        """Return the installed packages that are included and not excluded; empty without an include."""

    def update_only(self, names: Sequence[str]) -> None:
        """Update these packages."""

    def update_all(self, installed: Mapping[str, str], exclude: Sequence[str]) -> None:
        """Update everything but the excluded."""


def find_manager(attempt: Attempt) -> PackageManager:
    """Return the guest's package manager: apt-get or yum. Raises ActionError where there is neither."""
    facts = attempt.execution.facts
    if facts.has_binary("apt-get"):
        return Apt(attempt)
    if facts.has_binary("yum"):
        return Yum(attempt)
    raise ActionError(
        "UpdateOS found neither apt-get nor yum in the guest.", mend="Update with the system's own tool in ExecuteBash."
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return a line for each package that came, went or changed: name, old version, new version."""
    names = sorted(before.keys() | after.keys())
    return [
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def matching(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Return the names that a pattern with ``*`` means, with or without their architecture."""
    return [
        name
        for name in names
        if any(fnmatchcase(name, each) or fnmatchcase(name.partition(":")[0], each) for each in patterns)
    ]


class Apt:
    """Debian's."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def installed(self) -> dict[str, str]:
        """Ask dpkg; packages that are not fully installed do not count."""
        listing = self._attempt.shell(
            "dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\\n'",
            failing="Could not list the installed packages",
        ).decode(errors="replace")
        fields = (line.split(" ") for line in listing.splitlines())
        return {name: version for status, name, version in fields if status == "installed"}

    def refresh(self) -> None:
        """Fetch the indices; an archive that cannot be reached is an error."""
        self._run("update", "-q", "-o", "APT::Update::Error-Mode=any")

    def chosen(self, installed: Mapping[str, str], include: Sequence[str], exclude: Sequence[str]) -> list[str]:
        """Match the names against what is installed."""
        return _chosen(installed, include, exclude)

    def update_only(self, names: Sequence[str]) -> None:
        """Upgrade these, never installing what is not there."""
        self._run("install", "--only-upgrade", *APT_OPTIONS, *names)

    def update_all(self, installed: Mapping[str, str], exclude: Sequence[str]) -> None:
        """Upgrade, with new packages where an update needs them, as a new kernel does; the excluded are held."""
        held_already = set(self._holds("showhold"))
        held = [name for name in matching(list(installed), exclude) if name not in held_already]
        if held:
            self._holds("hold", *held)
        try:
            self._run("upgrade", "--with-new-pkgs", *APT_OPTIONS)
        finally:
            if held:
                self._holds("unhold", *held)

    def _holds(self, *arguments: str) -> list[str]:
        said = self._attempt.shell('apt-mark "$@"', *arguments, failing="Could not hold packages back")
        return said.decode(errors="replace").split()

    def _run(self, *arguments: str) -> None:
        _run(self._attempt, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", *arguments)


class Yum:
    """That of Fedora and its kin; where dnf is the tool, it answers to this name, too."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def installed(self) -> dict[str, str]:
        """Ask rpm; of packages installed several times, as kernels are, all versions stand together."""
        listing = self._attempt.shell(
            "rpm -qa --qf '%{NAME}.%{ARCH} %{VERSION}-%{RELEASE}\\n' | sort",
            failing="Could not list the installed packages",
        ).decode(errors="replace")
        versions: dict[str, list[str]] = {}
        for name, version in (line.split(" ") for line in listing.splitlines()):
            versions.setdefault(name, []).append(version)
        return {name: ", ".join(several) for name, several in versions.items()}

    def refresh(self) -> None:
        """Fetch the indices."""
        _run(self._attempt, "yum", "-y", "makecache")

    def chosen(self, installed: Mapping[str, str], include: Sequence[str], exclude: Sequence[str]) -> list[str]:
        """Match the names against what is installed."""
        return _chosen(installed, include, exclude)

    def update_only(self, names: Sequence[str]) -> None:
        """Update these, never installing what is not there."""
        _run(self._attempt, "yum", "-y", "update", *names)

    def update_all(self, installed: Mapping[str, str], exclude: Sequence[str]) -> None:  # noqa: ARG002
        """Update everything; the excluded are named to yum, which needs no list of what is installed."""
        _run(self._attempt, "yum", "-y", "update", *(f"--exclude={name}" for name in exclude))


def _chosen(installed: Mapping[str, str], include: Sequence[str], exclude: Sequence[str]) -> list[str]:
    excluded = set(matching(list(installed), exclude))
    return [name for name in matching(list(installed), include) if name not in excluded]


def _run(attempt: Attempt, *argv: str) -> None:
    ended = attempt.execute(argv)
    if ended.exit_code:
        raise ActionError(f"{' '.join(argv)} ended with exit code {ended.exit_code}.", stderr=ended.stderr)
