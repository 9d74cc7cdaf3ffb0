"""User namespaces: which host ids a namespace's users become, and how a process enters one."""

from __future__ import annotations

import ctypes
import functools
import os
import pickle
import platform
import pwd
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

RANGE = 65536
"""Ids that a Linux distribution expects to exist: 0 to 65535."""

FIRST_SUBORDINATE = 100000
"""Where Debian's own ranges begin (login.defs(5), SUB_UID_MIN)."""

ROOTS_OWN_RANGE = 1 << 30
"""First host id for namespaces that root makes (inside systemd's container range).

It is not one that /etc/subuid grants: packages as Incus add such a grant when they are installed, and what is kept by
the old ids could not be read any more.
"""

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


class NoSubordinateIdsError(GoldsmithError):
    """An ordinary user without a range in /etc/subuid and /etc/subgid cannot hold a distribution's users."""


@dataclass(frozen=True)
class IdMap:
    """Lines of a uid_map or gid_map: (first id inside, first id outside, how many)."""

    lines: tuple[tuple[int, int, int], ...]

    def as_argv(self) -> list[str]:
        """Return the lines as newuidmap(1) takes them."""
        return [str(number) for line in self.lines for number in line]

    def as_text(self) -> str:
        """Return the lines as /proc/PID/uid_map takes them (user_namespaces(7))."""
        return "".join(f"{inside} {outside} {count}\n" for inside, outside, count in self.lines)


def id_map(kind: str, *, user: int | None = None) -> IdMap:
    """Return the map for ``kind`` "uid" or "gid" that the user may use.

    Root's namespaces use a range of their own and none of the host's ids, so that a namespace's root owns
    nothing on the host. An ordinary user is the namespace's root, and the subordinate range is everybody else.
    """
    uid = os.getuid() if user is None else user
    granted = _subordinate(Path(f"/etc/sub{kind}"), uid)
    if uid == 0:
        if granted and granted[1] >= RANGE and not _exist(kind, ROOTS_OWN_RANGE):
            return IdMap(((0, granted[0], RANGE),))
        return IdMap(((0, ROOTS_OWN_RANGE, RANGE),))
    if not granted or granted[1] < RANGE - 1:
        name = pwd.getpwuid(uid).pw_name
        free = _first_free()
        ids = f"{free}-{free + RANGE - 1}"
        raise NoSubordinateIdsError(
            f"The user {name} has no range of {RANGE} subordinate ids in /etc/sub{kind}.",
            mend=f"Run as root: usermod --add-subuids {ids} --add-subgids {ids} {name}",
        )
    own = uid if kind == "uid" else os.getgid()
    return IdMap(((0, own, 1), (1, granted[0], RANGE - 1)))


def _exist(kind: str, first: int) -> bool:
    """Tell whether a range of ids from ``first`` on exists where this process runs: a container has only some."""
    rows = (map(int, line.split()) for line in Path(f"/proc/self/{kind}_map").read_text().splitlines())
    return any(begin <= first and first + RANGE <= begin + count for begin, _, count in rows)


def _first_free() -> int:
    """Return the first id after all that subuid(5) and subgid(5) grant to anybody."""
    ends = [FIRST_SUBORDINATE]
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        for line in file.read_text().splitlines() if file.exists() else ():
            numbers = line.split(":")[1:]
            if len(numbers) == 2 and all(number.isdigit() for number in numbers):  # noqa: PLR2004 - first and count
                ends.append(int(numbers[0]) + int(numbers[1]))
    return max(ends)


def _subordinate(file: Path, uid: int) -> tuple[int, int] | None:
    """Return (first, count) of the largest range that subuid(5) grants the user."""
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        names = {str(uid)}
    ranges = []
    for line in file.read_text().splitlines() if file.exists() else ():
        owner, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        if owner in names and first.isdigit() and count.isdigit():
            ranges.append((int(first), int(count)))
    return max(ranges, key=lambda granted: granted[1], default=None)


def write_maps(pid: int) -> None:
    """Give the fresh user namespace of process ``pid`` its maps, through newuidmap(1) where we are not root."""
    for kind in ("uid", "gid"):
        mapped = id_map(kind)
        if os.getuid() == 0:
            Path(f"/proc/{pid}/{kind}_map").write_text(mapped.as_text())
            continue
        done = subprocess.run(
            [f"new{kind}map", str(pid), *mapped.as_argv()], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoSubordinateIdsError(
                f"new{kind}map refused the subordinate ids: {done.stderr.strip()}",
                mend="Install the package uidmap and check /etc/subuid and /etc/subgid; `goldsmith doctor` shows both.",
            )


def pivot(root: Path) -> None:
    """Make ``root`` the root of this mount namespace and take the old one out of it (pivot_root(2), its last example).

    No program runs between the two: one of the new root's would still have the old one at hand.
    """
    os.chdir(root)
    if _libc.syscall(PIVOT_ROOT[platform.machine()], b".", b".") or _libc.umount2(b".", MNT_DETACH):
        code = ctypes.get_errno()
        raise OSError(code, f"pivot_root: {os.strerror(code)}")
    os.chdir("/")


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends (prctl(2), PR_SET_PDEATHSIG).

    The kernel forgets it when the process's ids or capabilities change: call it after that.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def unmount(place: str) -> None:
    """Detach a mount, whoever still uses it (umount2(2), MNT_DETACH); one that is not there is no error."""
    _libc.umount2(place.encode(), MNT_DETACH)


def call_inside(pid: int, function: Callable[..., T], *args: object, chroot: Path | None = None) -> T:
    """Run ``function`` in a forked child inside the user and mount namespaces of ``pid``; return its result.

    With ``chroot`` the child sees nothing but that folder, so no link in it can lead elsewhere. The function's
    modules must be imported already. Its exceptions are raised here.
    """
    reader, writer = os.pipe()
    ours = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(ours, pid, writer, functools.partial(function, *args), chroot)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.waitpid(child, 0)
    if not answer:
        raise GoldsmithError("A helper process inside the workspace was killed before it could answer.")
    failed, value = pickle.loads(answer)  # noqa: S301 - written by our own child
    if failed:
        raise value
    return value  # type: ignore[no-any-return]


def _child(parent: int, pid: int, writer: int, function: Callable[[], object], chroot: Path | None) -> None:
    """Enter, run, answer, and leave without running the parent's exit handlers."""
    try:
        _enter(pid)
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        if chroot is not None:
            os.chroot(chroot)
            os.chdir("/")
        answer = pickle.dumps((False, function()))
    except BaseException as failure:  # noqa: BLE001 - everything is the parent's to see
        try:
            answer = pickle.dumps((True, failure))
            pickle.loads(answer)  # noqa: S301 - some exceptions pickle but do not come back
        except Exception:  # noqa: BLE001
            answer = pickle.dumps((True, GoldsmithError(f"{type(failure).__name__}: {failure}")))
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _enter(pid: int) -> None:
    spaces = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in _ENTERED]
    for space, kind in spaces:
        if _libc.setns(space, kind):
            code = ctypes.get_errno()
            raise OSError(code, f"setns: {os.strerror(code)}")
        os.close(space)
    os.setgroups([])
    os.setgid(0)
    os.setuid(0)


_ENTERED = (("user", CLONE_NEWUSER), ("mnt", CLONE_NEWNS))
