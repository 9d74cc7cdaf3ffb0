"""A tree of layers in a workspace: an overlay whose topmost layer takes the changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.guests.workspace import Workspace

_NOT_NOW = "#!/bin/sh\n# The boot loader is the sealed disk's own affair.\nexit 0\n"

SCAFFOLD = {
    "usr/sbin/policy-rc.d": ("#!/bin/sh\nexit 101\n", 0o755),
    "usr/sbin/update-grub": (_NOT_NOW, 0o755),
    "usr/sbin/grub-install": (_NOT_NOW, 0o755),
}
"""What the guest finds on top of the tree while it is built and no layer keeps: services are not started."""


class Tree:
    """Layers from the bottom up, each a folder of the workspace, mounted one over the other at ``root``."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.root = workspace.path / "root"
        self._layers: list[Path] = []
        self._mounted = False
        workspace.run(["mkdir", "root", "scaffold"])

    def next_folder(self) -> Path:
        """Return the folder for the layer that comes next."""
        return self.workspace.path / f"layer{len(self._layers)}"

    def add(self, folder: Path) -> None:
        """Put a finished layer on top, wherever it is: a link in the workspace keeps the mount's options short."""
        name = self.next_folder()
        if folder != name:
            self.workspace.run(["ln", "-s", str(folder), str(name)])
        self._layers.append(name)

    def scaffold(self, files: dict[str, tuple[str, int]]) -> None:
        """Write the files that stand over the tree while it is built (path, (text, mode))."""
        self.workspace.call(_write_files, self.workspace.path / "scaffold", files)

    def open(self, *, scaffold: bool) -> Path:
        """Mount everything at ``root`` with an empty layer on top for changes; return that layer's folder."""
        upper = self.next_folder()
        work = self.workspace.path / "overlay-work"
        lower = [folder.name for folder in reversed(self._layers)]
        if scaffold:
            lower.insert(0, "scaffold")
        self.workspace.run(["mkdir", "-p", str(upper), str(work)])
        options = f"lowerdir={':'.join(lower)},upperdir={upper.name},workdir={work.name},userxattr"
        self.workspace.run(["mount", "-t", "overlay", "overlay", "-o", options, "root"])
        self._mounted = True
        return upper

    def close(self) -> None:
        """Unmount; the layer of the changes stays as a folder."""
        if self._mounted:
            self.workspace.run(["umount", "root"])
            self._mounted = False

    def clamp_times(self, folder: Path, epoch: int) -> None:
        """Set every modification time later than ``epoch`` to it, so that two builds are alike."""
        self.workspace.run(
            ["find", str(folder), "-newermt", f"@{epoch}", "-exec",
             "touch", "--no-create", "--no-dereference", f"--date=@{epoch}", "{}", "+"]
        )  # fmt: skip


def _write_files(folder: Path, files: dict[str, tuple[str, int]]) -> None:
    for name, (text, mode) in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)


def overlay_in_memory() -> bool:
    """Whether a tmpfs can hold an overlay's changes: it needs user.* attributes, which Linux 6.6 brought."""
    probe = os.memfd_create("goldsmith-probe")
    try:
        os.setxattr(probe, "user.overlay.probe", b"y")
    except OSError:
        return False
    finally:
        os.close(probe)
    return True
