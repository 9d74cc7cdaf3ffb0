"""The volumes of this host: a folder each, with a record, the map of its base and the files above it."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from goldsmith.blocks.block_map import BlockMap
from goldsmith.machines.instances.locks import held, is_held
from goldsmith.machines.instances.records import read_record, sync_folder, write_durably, write_record
from goldsmith.machines.instances.spec import InstanceError, require_id
from goldsmith.machines.instances.volume import SECTOR, NoSuchVolumeError, Volume, VolumeInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAYOUT = "cluster_size=128k,extended_l2=on"
"""Subclusters of 4 KiB: a guest's write copies nothing from the base, and a capture sees what changed that finely."""


class Volumes:
    """The volumes in ``folder``; whether one is in use is seen in ``instances``, the folder of the instances.

    Records change under the volume's lock, which nobody holds for longer than a file takes to be made.
    """

    def __init__(self, folder: Path, instances: Path) -> None:
        self.folder = folder
        self._instances = instances

    def create(self, volume_id: str, size: int, store_url: str, base: BlockMap | None) -> Volume:
        """Make a volume of ``size`` bytes with a base's contents at its beginning, zeros behind.

        The same volume may be made again as long as no instance has used it. It costs the same whatever the size:
        blocks are fetched from the store when the guest reads them, which must keep them (`live_digests`) for the
        volume's life.
        """
        if size <= 0 or size % SECTOR:
            raise InstanceError(f"A volume cannot have {size} bytes.", mend=f"Give a multiple of {SECTOR}.")
        if base is not None and base.size > size:
            raise InstanceError(f"A volume of {size} bytes cannot hold a snapshot of {base.size}.")
        volume = Volume(require_id(volume_id), size, store_url, base is not None)
        path = self.path(volume_id)
        fresh = self.folder / f".{volume_id}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder / ".lock"):
            if path.exists():
                if self.get(volume_id) == volume and self.base(volume_id) == base:
                    return volume
                raise InstanceError(f"There is another volume {volume_id} already.")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            if base is not None:
                write_durably(fresh / "base.map", base.encode())
            make_file(fresh / volume.files[0], volume)
            write_record(fresh / "volume.json", volume.as_json())
            fresh.rename(path)
            sync_folder(self.folder)
        return volume

    def delete(self, volume_id: str) -> None:
        """Remove a volume for good; VolumeInUseError while an instance uses it, nothing for one that is not there.

        Captures that read it are not disturbed: its files stay until the last of them is released.
        """
        with suppress(NoSuchVolumeError):
            with self.locked(volume_id):
                volume = self.get(volume_id)
                self.require_free(volume)
                self.save(replace(volume, doomed=True))
            self.bury(volume_id)

    def bury(self, volume_id: str) -> None:
        """Remove the files of a doomed volume that no capture reads; others stay as they are."""
        gone = self.folder / f".{volume_id}"
        with self.locked(volume_id):
            volume = self.get(volume_id)
            if not volume.doomed or volume.holds:
                return
            with held(self.folder / ".lock"):
                shutil.rmtree(gone, ignore_errors=True)
                self.path(volume_id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def ids(self, *, doomed: bool = False) -> list[str]:
        """Return the ids of all volumes, or of those that are deleted and still being captured."""
        found = (path.parent.name for path in self.folder.glob("vol-*/volume.json"))
        return sorted(volume_id for volume_id in found if self._is_doomed(volume_id) == doomed)

    def captures(self) -> dict[str, list[str]]:
        """Return the captures that still keep files of volumes, and of which."""
        kept: dict[str, list[str]] = {}
        for path in sorted(self.folder.glob("vol-*/volume.json")):
            with suppress(NoSuchVolumeError):
                for capture in self.get(path.parent.name).holds:
                    kept.setdefault(capture, []).append(path.parent.name)
        return kept

    def get(self, volume_id: str) -> Volume:
        """Return a volume's record; NoSuchVolumeError when there is none."""
        try:
            return Volume.from_json(read_record(self.path(volume_id) / "volume.json"))
        except FileNotFoundError as missing:
            raise NoSuchVolumeError(f"There is no volume {volume_id} on this host.") from missing

    def save(self, volume: Volume) -> None:
        """Write a volume's record, durably; to be called under its lock."""
        write_record(self.path(volume.volume_id) / "volume.json", volume.as_json())

    def base(self, volume_id: str) -> BlockMap | None:
        """Return the map of a volume's base, None for a volume that began blank."""
        try:
            return BlockMap.decode((self.path(volume_id) / "base.map").read_bytes())
        except FileNotFoundError:
            return None

    def live_digests(self) -> set[tuple[str, bytes]]:
        """Return (store's URL, block's digest) for each block that some volume may still read from its base."""
        live: set[tuple[str, bytes]] = set()
        for path in self.folder.glob("vol-*/volume.json"):
            with suppress(NoSuchVolumeError):
                base, volume = self.base(path.parent.name), self.get(path.parent.name)
                live |= {(volume.store_url, digest) for digest in (base.digests() if base else ())}
        return live

    def path(self, volume_id: str) -> Path:
        """Return a volume's folder."""
        return self.folder / require_id(volume_id)

    @contextmanager
    def locked(self, *volume_ids: str) -> Iterator[None]:
        """Keep others from changing the volumes' records for a moment."""
        if not volume_ids:
            yield
            return
        first, *others = sorted(set(volume_ids))
        try:
            with held(self.path(first) / "lock"), self.locked(*others):
                yield
        except FileNotFoundError as missing:
            if self.path(first).exists():
                raise
            raise NoSuchVolumeError(f"There is no volume {first} on this host.") from missing

    def holder(self, volume: Volume) -> str:
        """Return the id of the running instance that uses the volume, or nothing."""
        if volume.holder and is_held(self._instances / volume.holder / "lock"):
            return volume.holder
        return ""

    def require_free(self, volume: Volume) -> None:
        """Raise VolumeInUseError when a running instance uses the volume."""
        if holder := self.holder(volume):
            raise VolumeInUseError(
                f"The volume {volume.volume_id} is in use by {holder}.", mend=f"Stop {holder} or detach the volume."
            )

    def claim(self, volume_id: str, instance_id: str) -> Volume:
        """Take a volume for an instance that is about to write it; VolumeInUseError when another one lives with it."""
        with self.locked(volume_id):
            volume = self.get(volume_id)
            if volume.holder != instance_id:
                self.require_free(volume)
            claimed = replace(volume, holder=instance_id, fresh=False)
            if claimed != volume:
                self.save(claimed)
            self._tidy(claimed)
            return claimed

    def release(self, volume_id: str, instance_id: str) -> None:
        """Give a volume back that an instance uses no more."""
        with self.locked(volume_id):
            volume = self.get(volume_id)
            if volume.holder == instance_id:
                self.save(replace(volume, holder=""))

    def sweep(self) -> list[Path]:
        """Remove what a killed process left of volumes that it was making or deleting; return what was removed."""
        if not self.folder.exists():
            return []
        for volume_id in self.ids(doomed=True):
            with suppress(NoSuchVolumeError):
                self.bury(volume_id)
        with held(self.folder / ".lock"):
            left = sorted(self.folder.glob(".vol-*"))
            for path in left:
                shutil.rmtree(path, ignore_errors=True)
        return left

    def _is_doomed(self, volume_id: str) -> bool:
        try:
            return self.get(volume_id).doomed
        except NoSuchVolumeError:
            return True

    def _tidy(self, volume: Volume) -> None:
        """Remove files that a killed keeper had made or merged, but whose record says that they are not in use."""
        for path in self.path(volume.volume_id).glob("disk*.qcow2"):
            if path.name not in volume.files:
                path.unlink()


def make_file(path: Path, volume: Volume) -> None:
    """Make an empty file for a volume's top. What lies below it is said when it is opened, not in it."""
    options = ["-q", "-f", "qcow2", "-o", LAYOUT]
    try:
        subprocess.run(["qemu-img", "create", *options, path, str(volume.size)], check=True, capture_output=True)
    except FileNotFoundError as missing:
        raise InstanceError("qemu-img is not installed on this host.", mend="Install qemu-utils.") from missing
    except subprocess.CalledProcessError as failed:
        raise InstanceError(
            f"qemu-img made no file for {volume.volume_id}: {failed.stderr.decode().strip()}"
        ) from failed


def offline_node(folder: Path, file: str) -> str:
    """Return a file's own contents, without what lies below it, as an image's name for QEMU's programs."""
    node = {"driver": "qcow2", "file": {"driver": "file", "filename": str(folder / file)}, "backing": None}
    return f"json:{json.dumps(node)}"
