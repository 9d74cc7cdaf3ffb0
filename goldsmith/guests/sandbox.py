"""A guest in namespaces: a tree that is run as if it were a machine, without its services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from goldsmith.guests.guest import Guest
from goldsmith.guests.holder import Holder, nsenter

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
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs ./dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs ./run
mkdir -m 1777 ./run/lock
mkdir ./run/goldsmith
printf '%s' "$2" >./run/goldsmith/apt.conf
hostname localhost
pivot_root . .
umount --lazy .
cd /
echo ready
read -r _ || true
"""
"""Process 1 of a sandbox. Mount points are looked up by paths of the tree before the pivot, in a mount namespace of
our own: a link there can misplace a mount of ours but reaches no file. Bash stays, as it also reaps orphans."""


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
        entered = nsenter(self._workspace.pid, "--user", "--mount", "--pid", "--ipc")
        spaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL"]
        self._holder = Holder([*entered, *spaces, "bash", "-c", _PIVOT, "sandbox", str(self._root), self._apt_conf])
        self._pid = self._holder.init()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder:
            self._holder.close()
            self._holder = None

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Enter the namespaces, clear the environment, change the folder, run."""
        words = [f"{name}={value}" for name, value in {**ENVIRONMENT, **env}.items()]
        entered = nsenter(self._pid, "--user", "--mount", "--pid", "--uts", "--ipc")
        return [*entered, "/usr/bin/env", "-i", "-C", cwd, *words, *argv]

    def reboot(self) -> None:
        """End every process and start over on the same tree: /run and /dev/shm are new, files stay."""
        self.__exit__(None, None, None)
        self.__enter__()
