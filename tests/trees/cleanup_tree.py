"""A tree just large enough to be cleaned: the host's own sh, coreutils, find, grep, sed, awk, and their libraries."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.guests.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOOLS = [
    "sh",
    "env",
    "cat",
    "rm",
    "find",
    "grep",
    "sed",
    "awk",
    "truncate",
    "mkdir",
    "ln",
    "chmod",
    "touch",
    "ls",
    "stat",
    "sync",
    "userdel",
    "hostname",
    "md5sum",
    "umount",
]

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
postgres:x:105:110::/var/lib/postgresql:/bin/sh
"""


@dataclass(frozen=True)
class Tree:
    """A tree in a workspace with a guest over it; paths are given as the guest sees them."""

    workspace: Workspace
    root: Path
    guest: SandboxGuest

    def write(self, path: str, data: str | bytes = "left over\n", mode: int = 0o644) -> None:
        """Write a file and the folders above it."""
        self.sh(f"mkdir -p -- {quoted(str(Path(path).parent))}")
        self.guest.put(path, data.encode() if isinstance(data, str) else data, mode=mode)

    def sh(self, script: str) -> str:
        """Run a script inside and return what it prints."""
        done = self.guest.run(["sh", "-c", script])
        assert done.exit_code == 0, done.stderr.decode()
        return done.stdout.decode()

    def write_all(self, paths: Iterable[str], data: str = "left over") -> None:
        """Write the same line into many files, in one command."""
        script = """data=$1; shift
            for path; do [ -d "${path%/*}" ] || mkdir -p -- "${path%/*}"; echo "$data" >"$path"; done"""
        done = self.guest.run(["sh", "-c", script, "sh", data, *paths])
        assert done.exit_code == 0, done.stderr.decode()

    def there(self, paths: Iterable[str]) -> set[str]:
        """Return those of the paths that exist, dangling links included, in one command."""
        script = r"""for path; do if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\0' "$path"; fi; done"""
        return set(self.guest.run(["sh", "-c", script, "sh", *paths]).stdout.decode().split("\0")) - {""}

    def has(self, path: str) -> bool:
        """Whether something of that name is there, a dangling link included."""
        return bool(self.there([path]))

    def read(self, path: str) -> str:
        """Return a file's text."""
        return self.guest.get(path).decode()


def quoted(path: str) -> str:
    """Return the path as one word of sh."""
    return "'" + path.replace("'", "'\\''") + "'"


def make_base(folder: Path) -> Path:
    """Copy the tools and libraries; return the folder."""
    for name in ("usr/bin", "usr/sbin", "etc/skel", "root", "home", "tmp", "var/tmp", "var/log", "proc", "dev", "run"):
        (folder / name).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (folder / "usr" / link).mkdir(exist_ok=True)
        (folder / link).symlink_to(f"usr/{link}")
    for tool in TOOLS:
        source = shutil.which(tool)
        assert source, f"the host has no {tool}"
        shutil.copy(Path(source).resolve(), folder / "usr/bin" / tool)
        listed = subprocess.run(["ldd", source], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            target = folder / "usr" / library.removeprefix("/usr").lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copy(Path(library).resolve(), target)
    (folder / "etc/passwd").write_text(PASSWD)
    (folder / "etc/shadow").write_text("".join(f"{line.split(':')[0]}:*:1:0:99999:7:::\n" for line in PASSWD.split()))
    (folder / "etc/group").write_text("root:x:0:\n")
    (folder / "etc/machine-id").write_text("")
    return folder


@contextlib.contextmanager
def base_in_workspace() -> Iterator[tuple[Workspace, Path]]:
    """Make a workspace with the base in it: closing one takes a second, so a module's tests share it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="cleanup-tests-") as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "work").mkdir()
        make_base(home / "base")
        with Workspace(home, memory=512 << 20) as workspace:
            base = workspace.path / "base"
            workspace.run(["cp", "-a", "--no-preserve=ownership", str(home / "base"), str(base)])
            yield workspace, base


@contextlib.contextmanager
def tree_from(workspace: Workspace, base: Path) -> Iterator[Tree]:
    """Copy the base and enter the copy."""
    root = workspace.path / uuid.uuid4().hex
    workspace.run(["cp", "-a", str(base), str(root)])
    try:
        with SandboxGuest(workspace, root) as guest:
            yield Tree(workspace, root, guest)
    finally:
        workspace.run(["rm", "-rf", str(root)])
