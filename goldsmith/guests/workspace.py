"""A private place to work: namespaces where host tools run as root over files that vanish with us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from goldsmith.errors import GoldsmithError
from goldsmith.guests.holder import HOST_PATH, Holder, nsenter
from goldsmith.guests.namespaces import call_inside, id_map, unmount, write_maps
from goldsmith.guests.process import Completed, run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from goldsmith.guests.process import Stream

T = TypeVar("T")

_WAIT = "echo ready; read -r _ || true"

_AREA = """
set -eu
mount --make-rprivate /
mount -t proc -o nosuid,nodev,noexec proc /proc
case "$1" in /dev/shm/*) ;; *) mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm ;; esac
if [ "$2" != 0 ]; then mount -t tmpfs -o "mode=755,nosuid,size=$2" goldsmith "$1"; fi
echo ready
read -r _ || true
"""
"""Process 1 of a workspace: it mounts the area and stays until its standard input closes, as it does when we die.

The host's /dev/shm makes way, as one with mounts of others below it cannot be bound into a tree, which mmdebstrap does.
"""


_OCTAL = re.compile(r"\\([0-7]{3})")
"""How the kernel writes blanks in mountinfo. A codec would do, but none can be loaded once we are inside."""


class WorkspaceError(GoldsmithError):
    """A host tool failed inside the workspace, or the workspace could not be made."""


class Workspace:
    """User, mount, pid and ipc namespaces with a work area, rootless and as root the same way.

    ``memory`` is the area's size in bytes as tmpfs; 0 puts it on disk. Everything inside, processes and mounts
    and a tmpfs's files, ends with this object or this process, however it ends; what an area on disk leaves
    after a kill -9 is for `sweep`.
    """

    def __init__(self, home: Path, *, memory: int = 0) -> None:
        self.memory = memory
        self._home = home
        self.path = home / "work" / uuid.uuid4().hex[:12]
        self._resources = contextlib.ExitStack()
        self._holder: Holder | None = None
        self._killed = False
        self.pid = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.callback(_make_area(self.path))
            if not self.memory:
                stack.callback(self._empty_killed)
            holder = self._hold()
            stack.callback(holder.close)
            self.pid = holder.init()
            self._holder = holder
            if not self.memory:
                stack.callback(self._empty)
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = None
        self._resources.close()
        self.pid = 0

    def kill(self) -> None:
        """End every process inside at once, from any thread: who waits for one finds it killed, no other starts."""
        if holder := self._holder:
            self._killed = True
            holder.kill()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        on_output: Callable[[Stream, bytes], None] | None = None,
        output: BinaryIO | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a host tool as the namespace's root; ``cwd`` is a path inside, ``output`` a file for what it prints.

        Raises WorkspaceError with what the tool said when ``check`` and it did not end with 0.
        """
        entered = nsenter(self.pid, "--user", "--mount", "--pid", "--ipc", cwd=cwd or self.path)
        done = run_process(
            [*entered, *argv],
            stdin=stdin,
            env={"PATH": HOST_PATH, "LANG": "C.UTF-8", "HOME": "/root", **(env or {})},
            timeout=timeout,
            on_output=on_output,
            output=output,
        )
        if check and done.exit_code:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise WorkspaceError(f"{argv[0]} failed with exit code {done.exit_code}: {said[-4000:]}")
        return done

    def call(self, function: Callable[..., T], *args: object, chroot: Path | None = None) -> T:
        """Run a Python function inside, in a child that sees only ``chroot`` where that is given."""
        return call_inside(self.pid, function, *args, chroot=chroot)

    def seen_from_host(self, path: Path) -> Path:
        """Return where the host finds a path of the workspace while it lives."""
        return Path(f"/proc/{self.pid}/root") / path.relative_to("/")

    def own(self, folder: Path) -> None:
        """Give a folder of the host to the namespace's root, and to nobody else."""
        folder.chmod(0o700)
        if os.getuid() == 0:
            os.chown(folder, id_map("uid").lines[0][1], id_map("gid").lines[0][1])

    def _hold(self) -> Holder:
        """Make the user namespace first: only entering it with its maps written gives its root the rights to go on."""
        users = Holder(["unshare", "--user", "--", "bash", "-c", _WAIT])
        try:
            write_maps(users.process_id)
            entered = nsenter(users.process_id, "--user")
            spaces = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child=KILL"]
            return Holder([*entered, *spaces, "bash", "-c", _AREA, "area", str(self.path), str(self.memory)])
        finally:
            users.close()

    def _empty(self) -> None:
        if not self._killed:
            self.call(_clear, self.path)

    def _empty_killed(self) -> None:
        """Empty the area from another workspace: with the namespaces all that was mounted in it is gone."""
        if self._killed:
            with Workspace(self._home) as other:
                other.call(empty_folder, self.path)


def _clear(area: Path) -> None:
    """Detach what is still mounted below the area, then empty it. We are in no process table of the workspace's."""
    mounted = [line.split()[4] for line in Path("/proc/1/mountinfo").read_text().splitlines()]
    for place in reversed([place for place in mounted if place.startswith(f"{area}/")]):
        unmount(_OCTAL.sub(lambda found: chr(int(found[1], 8)), place))
    empty_folder(area)


def empty_folder(folder: Path) -> None:
    """Remove what is in a folder, following no link."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()


def _make_area(path: Path) -> Callable[[], None]:
    """Make the area's folder and its lock; return what removes both."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    owner = id_map("uid").lines[0][1]
    if os.getuid() == 0:
        path.parent.mkdir(mode=0o711, exist_ok=True)
        _check_reachable(path.parent)
    else:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    lock = _lock(path.with_suffix(".lock"))
    path.mkdir(mode=0o755)
    if os.getuid() == 0:
        os.chown(path, owner, owner)

    def remove() -> None:
        with contextlib.suppress(OSError):
            path.rmdir()
        Path(lock.name).unlink(missing_ok=True)
        lock.close()

    return remove


def _lock(file: Path) -> BinaryIO:
    """Make and lock a file, anew when a sweep took it for a leftover between the two."""
    while True:
        lock = file.open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_nlink:
            return lock
        lock.close()


def _check_reachable(folder: Path) -> None:
    """Root's namespaces are nobody on the host: every folder above the area must let others pass."""
    for parent in (folder, *folder.resolve().parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise WorkspaceError(
                f"The sandbox runs as a user without rights and cannot pass {parent}.",
                mend=f"Set GOLDSMITH_HOME to a folder that others may pass, or: chmod o+x {parent}",
            )


def sweep(home: Path) -> list[Path]:
    """Remove the areas of processes that were killed; return what was removed. Areas in use are locked."""
    removed = []
    for lock_file in (home / "work").glob("*.lock"):
        with lock_file.open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            area = lock_file.with_suffix("")
            if area.is_dir():
                with Workspace(home) as workspace:
                    workspace.call(empty_folder, area)
                area.rmdir()
                removed.append(area)
            lock_file.unlink()
    return removed
