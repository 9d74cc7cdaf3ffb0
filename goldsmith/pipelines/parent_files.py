"""A parent's files in a folder of a workspace: bootstrapped, of a disk or archive, a container image or an AMI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.blocks.disk_files import restore_disk
from goldsmith.disks.tree_files import export_tree
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.oci.applying import apply_layers
from goldsmith.oci.blobs import OciError
from goldsmith.oci.opened import opened_image
from goldsmith.pipelines.plan import BootstrapParent, FileParent, OciParent
from goldsmith.trees.bootstrap import bootstrap, furnish
from goldsmith.trees.kernels import settle_kernels

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.guests.workspace import Workspace
    from goldsmith.pipelines.plan import DiskParent, Parent
    from goldsmith.pipelines.progress import Stage


@dataclass(frozen=True)
class ParentFiles:
    """``folder`` of the workspace, which is not there yet and gets the files.

    ``scratch`` has room for a container image's layers, ``logs`` for an AMI's disk; ``apt_conf`` is how packages come.
    """

    workspace: Workspace
    folder: Path
    scratch: Path
    logs: Path
    apt_conf: str

    def lay(self, parent: Parent, stage: Stage) -> int:
        """Put a parent's files into the folder; return the time of the newest, or of the archives, in epoch seconds.

        Raises DiskError, OciError and BootstrapError.
        """
        if isinstance(parent, BootstrapParent):
            self._bootstrap(parent, stage)
            return parent.epoch
        if isinstance(parent, FileParent):
            self._export(parent.file, parent.kind)
        elif isinstance(parent, OciParent):
            self._unpack(parent)
        else:
            self._restore(parent)
        newest = ["sh", "-c", "find . -printf '%Ts\\n' | sort -n | tail -n 1"]
        return int(self.workspace.run(newest, cwd=self.folder).stdout)

    def _bootstrap(self, parent: BootstrapParent, stage: Stage) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / "bootstrap.log").open("w", encoding="utf-8") as log:

            def hear(line: str) -> None:
                print(line, file=log)
                if line.startswith("I: ") and not line.startswith("I: running --"):
                    stage.say(line[3:])

            bootstrap(self.workspace, parent.distribution, self.folder, apt_conf=self.apt_conf, on_line=hear)
        with SandboxGuest(self.workspace, self.folder) as guest:
            furnish(guest)
            stage.say("making the initramfs")
            settle_kernels(guest, epoch=parent.epoch)

    def _restore(self, parent: DiskParent) -> None:
        """Put an AMI's files into the folder, through a raw disk beside the logs."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for left in self.logs.glob(".parent.raw*"):  # by a process that was killed
            left.unlink()
        raw = self.logs / "parent.raw"
        try:
            restore_disk(parent.store, parent.store.load_map(parent.map), raw)
            self._export(raw, "raw")
        finally:
            raw.unlink(missing_ok=True)

    def _export(self, file: Path, kind: str) -> None:
        self.workspace.run(["mkdir", str(self.folder)])
        export_tree(file, kind, self.workspace, self.folder)

    def _unpack(self, parent: OciParent) -> None:
        """Lay a container image's layers. Raises OciError where it is another than was pinned."""
        with opened_image(parent.image, scratch=self.scratch, plain=parent.plain) as image:
            if image.digest != parent.digest:
                raise OciError(f"{parent.image} has changed since it was looked at.", mend="Run it again.")
            self.workspace.run(["mkdir", str(self.folder)])
            apply_layers(image, self.workspace, self.folder)
