"""A guest in namespaces: a tree that is run as if it were a machine, without its services."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Self

from goldsmith.guests.guest import Guest, GuestError
from goldsmith.guests.holder import HOST_PATH, Holder, nsenter
from goldsmith.guests.namespaces import call_inside, pivot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from goldsmith.guests.workspace import Workspace

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENVIRONMENT = {
    "PATH": SEARCH_PATH,
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_OFFLINE": "1",
    "INITRD": "No",
    "APT_CONFIG": "/run/goldsmith/apt.conf",
}
"""What every command sees. SYSTEMD_OFFLINE lets `systemctl enable` work and makes `systemctl start` a no-op."""

PROCESSES = 8192
"""More than any component needs, and few enough that one which forks without end does not take the host's."""

_PIVOT = """
set -eu
root=$1
mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc ./proc
mount -t tmpfs -o mode=755,nosuid,noexec,size=64m tmpfs ./dev
for node in null zero full random urandom tty; do
    : >"./dev/$node"
    mount --bind "/dev/$node" "./dev/$node"
done
ln -s /proc/self/fd ./dev/fd
ln -s fd/0 ./dev/stdin
ln -s fd/1 ./dev/stdout
ln -s fd/2 ./dev/stderr
mkdir ./dev/pts ./dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ./dev/pts
ln -s pts/ptmx ./dev/ptmx
mount -t tmpfs -o mode=1777,nosuid,nodev,size=25% tmpfs ./dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev,size=25% tmpfs ./run
mkdir -m 1777 ./run/lock
mkdir ./run/goldsmith
printf '%s' "$2" >./run/goldsmith/apt.conf
hostname localhost
cd /
echo ready
read -r _ || true
"""
"""Process 1 of a sandbox. The host's files are still in sight, so nothing is written to the tree and no program of it
runs: MOUNT_POINTS are known to be folders, and what is written lies on the new mounts. Bash reaps orphans."""

MOUNT_POINTS = ("dev", "proc", "run")


class SandboxGuest(Guest):
    """Namespaces of mount, pid, uts and ipc over ``root``, a tree of the workspace; the network is the host's.

    ``apt_conf`` is apt configuration for this guest only, at a path that APT_CONFIG names.
    """

    def __init__(self, workspace: Workspace, root: Path, *, apt_conf: str = "") -> None:
        self._workspace = workspace
        self._root = root
        self._apt_conf = apt_conf
        self._holder: Holder | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        self._workspace.call(check_mount_points, self._root)
        entered = nsenter(self._workspace.pid, "--user", "--mount", "--pid", "--ipc")
        spaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL"]
        self._holder = Holder([*entered, *spaces, "bash", "-c", _PIVOT, "sandbox", str(self._root), self._apt_conf])
        try:
            self._pid = self._holder.init()
            call_inside(self._pid, pivot, self._root)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder:
            self._holder.close()
            self._holder = None

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Enter the namespaces with nothing of our environment, change the folder, run.

        Raises GuestError when the sandbox has ended, as a component can make it.
        """
        if self._holder is None or self._holder.ended:
            raise GuestError(
                "The sandbox has ended: its process 1 is gone.",
                mend="Look at what the last step ran: it stopped the sandbox itself. Run the build again.",
            )
        words = [f"{name}={value}" for name, value in {**ENVIRONMENT, **env}.items()]
        entered = nsenter(self._pid, "--user", "--mount", "--pid", "--uts", "--ipc")
        ours = ["env", "-i", f"PATH={HOST_PATH}", "prlimit", f"--nproc={PROCESSES}", "--"]
        return [*ours, *entered, "/usr/bin/env", "-i", "-C", cwd, *words, *argv]

    def reboot(self) -> None:
        """End every process and start over on the same tree: /run and /dev/shm are new, files stay."""
        self.__exit__(None, None, None)
        self.__enter__()


def check_mount_points(root: Path) -> None:
    """Raise GuestError unless each of MOUNT_POINTS is a folder of the tree itself, not a link out of it."""
    for name in MOUNT_POINTS:
        try:
            mode = os.lstat(root / name).st_mode
        except FileNotFoundError:
            mode = 0
        if not stat.S_ISDIR(mode):
            what = "is a symbolic link" if stat.S_ISLNK(mode) else "is not a folder" if mode else "is missing"
            raise GuestError(
                f"The tree cannot be run: /{name} {what}.",
                mend="A root file system has real folders /dev, /proc and /run: mend the parent or the component.",
            )
