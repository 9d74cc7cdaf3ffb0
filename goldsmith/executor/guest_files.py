"""Paths of the guest's file system and what stands there. Nothing here touches the host's files."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Literal

from goldsmith.executor.facts import readable_fields
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt

Kind = Literal["", "file", "folder", "link", "other"]

_KIND = """
if [ "$2" = no ] && [ -L "$1" ]; then echo link
elif [ -d "$1" ]; then echo folder
elif [ -f "$1" ]; then echo file
elif [ -e "$1" ] || [ -L "$1" ]; then echo other
fi
"""

_FOUND = 'find "$1" -mindepth 1 -maxdepth 1 -name "$2" -xtype "$3" -print0'

_MODE = re.compile(r"0?[0-7]{3,4}")


def absolute(attempt: Attempt, path: str) -> str:
    """Return the path from the root; a relative one starts at the run's working directory."""
    return posixpath.join("/", attempt.execution.working_directory, path)


def kind(attempt: Attempt, path: str, *, follow: bool = True) -> Kind:
    """Return what stands at a path, links followed or seen as links; empty where there is nothing."""
    said = attempt.shell(_KIND, path, "yes" if follow else "no", failing=f"Could not look at {path}")
    return said.decode().strip()  # type: ignore[return-value]


def exists(attempt: Attempt, path: str) -> bool:
    """Return whether anything stands at a path, a link that leads nowhere included."""
    return kind(attempt, path, follow=False) != ""


def require(attempt: Attempt, path: str, wanted: Literal["file", "folder"]) -> str:
    """Return the path. Raises ActionError where it is not a file or folder, links followed."""
    found = kind(attempt, path)
    if not found:
        raise ActionError(f"The {wanted} {path} does not exist.")
    if found != wanted:
        raise ActionError(f"{path} is not a {wanted}.")
    return path


def make_parents(attempt: Attempt, path: str) -> None:
    """Make the folders that lead to a path."""
    parent = posixpath.dirname(path.rstrip("/")) or "/"
    attempt.shell('mkdir -p -- "$1"', parent, failing=f"Could not make the folder {parent}")


def has_wildcard(path: str) -> bool:
    """Return whether a path's last segment holds ``*``. Raises ActionError for one in an earlier segment."""
    folder, name = posixpath.split(path)
    if "*" in folder:
        raise ActionError(f"{path}: the wildcard * may only stand in the last segment of a path.")
    return "*" in name


def matches(attempt: Attempt, pattern: str, wanted: Literal["file", "folder"]) -> list[str]:
    """Return the files or folders, sorted, that a path with ``*`` in its last segment means."""
    folder, name = posixpath.split(pattern)
    require(attempt, folder, "folder")
    literal = re.sub(r"([\\?\[\]])", r"\\\1", name)
    letter = "f" if wanted == "file" else "d"
    listing = attempt.shell(_FOUND, f"{folder.rstrip('/')}/", literal, letter, failing=f"Could not list {folder}")
    return sorted(posixpath.join(folder, posixpath.basename(path)) for path in readable_fields(listing))


def transfers(
    attempt: Attempt, source: str, destination: str, wanted: Literal["file", "folder"]
) -> list[tuple[str, str]]:
    """Return pairs of source and final path, by the rules of ``*`` and of a destination that ends in ``/``."""
    source, destination = absolute(attempt, source), absolute(attempt, destination)
    if has_wildcard(source):
        if not destination.endswith("/"):
            raise ActionError(f"{source} has a wildcard, so the destination {destination} must end in /.")
        sources = matches(attempt, source, wanted)
        if not sources:
            raise ActionError(f"No {wanted} matches {source}.")
    else:
        sources = [require(attempt, source, wanted)]
    return [(each, _final(each, destination)) for each in sources]


def forbid_existing(attempt: Attempt, path: str, *, overwrite: bool) -> None:
    """Raise ActionError where something stands at a path that may not be overwritten."""
    if not overwrite and exists(attempt, path):
        raise ActionError(f"{path} already exists and 'overwrite' is false.")


def checked_mode(permissions: str) -> str:
    """Return octal permissions. Raises ActionError for anything else."""
    if not _MODE.fullmatch(permissions):
        raise ActionError(f"The permissions {permissions!r} are not three or four octal digits.")
    return permissions


def own(attempt: Attempt, path: str, owner: str, group: str) -> None:
    """Give a path to an owner and a group where they are named."""
    if owner:
        require_user(attempt, owner)
    if owner or group:
        whom = f"{owner}:{group}" if group else owner
        attempt.shell('chown -- "$2" "$1"', path, whom, failing=f"Could not change the owner of {path}")


def owner_of(attempt: Attempt, owner: str, group: str) -> str:
    """Return chown's word for an owner; without a group it is the owner's primary one."""
    require_user(attempt, owner)
    return f"{owner}:{group}" if group or not owner.isdigit() else owner


def require_user(attempt: Attempt, owner: str) -> None:
    """Raise ActionError unless the guest has a user of that name; a number need not have one."""
    if not owner.isdigit() and attempt.command(["id", "-u", "--", owner]).exit_code:
        raise ActionError(f"There is no user {owner} in the guest.")


def _final(source: str, destination: str) -> str:
    return destination + posixpath.basename(source.rstrip("/")) if destination.endswith("/") else destination
