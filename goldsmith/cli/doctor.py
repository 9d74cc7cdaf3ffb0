"""`goldsmith doctor`: what this host has, what it lacks, and the command that mends it."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from goldsmith.cli.output import bytes_for_people, print_json
from goldsmith.cli.programs import FOLDERS, PROGRAMS, install_command, missing_programs
from goldsmith.disks.erofs import PROGRAM as MKFS_EROFS
from goldsmith.disks.squashfs import PROGRAM as MKSQUASHFS
from goldsmith.errors import GoldsmithError
from goldsmith.guests.namespaces import id_map
from goldsmith.guests.workspace import Workspace
from goldsmith.machines.acceleration import probe
from goldsmith.pipelines.home import Home, memory_for_work
from goldsmith.trees.archives import archive_states
from goldsmith.trees.distributions import debian

DISK_WANTED = 4 << 30
WRITERS = (("netboot and incus", MKSQUASHFS, "squashfs-tools"), ("netboot-erofs", MKFS_EROFS, "erofs-utils"))
"""Formats that need a host tool of their own: the formats, the program, its package."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it is well, what was found, and what to do where it is not."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def examine(*, as_json: bool) -> int:
    """Look at everything and print it; return 0 when images can be baked here."""
    checks = [_programs(), _formats(), _ids(), _sandbox(), _memory(), _disk(), _acceleration(), _archives()]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            print(f"{'ok ' if check.ok else 'NO '} {check.name:13} {check.found}")
            if check.mend:
                print(f"    {'':13} {check.mend}")
    return 0 if all(check.ok for check in checks) else 1


def _programs() -> Check:
    missing = missing_programs()
    if missing:
        named = ", ".join(f"{program} (package {package})" for program, package in missing.items())
        return Check("programs", False, f"missing: {named}", install_command(missing))
    return Check("programs", True, f"all {len(PROGRAMS)} are here")


def _formats() -> Check:
    missing = [each for each in WRITERS if not shutil.which(each[1], path=os.pathsep.join(FOLDERS))]
    if not missing:
        return Check("formats", True, "all can be written")
    without = "; ".join(f"{formats}, which need {program} (package {package})" for formats, program, package in missing)
    command = install_command({program: package for _, program, package in missing})
    return Check("formats", True, f"all but {without}", command)


def _ids() -> Check:
    try:
        first = id_map("uid").lines[-1]
        id_map("gid")
    except GoldsmithError as error:
        return Check("subordinate", False, error.message, error.mend)
    return Check("subordinate", True, f"{first[2]} ids from {first[1]}")


def _sandbox() -> Check:
    try:
        with Workspace(Home.default().ready().path) as workspace:
            workspace.run(["true"])
    except (GoldsmithError, OSError) as error:
        setting = Path("/proc/sys/kernel/unprivileged_userns_clone")
        off = setting.exists() and setting.read_text().strip() == "0"
        mend = "sysctl kernel.unprivileged_userns_clone=1" if off else getattr(error, "mend", "")
        said = error.message if isinstance(error, GoldsmithError) else f"{error.strerror}: {error.filename}"
        return Check("sandbox", False, said.splitlines()[0], mend)
    return Check("sandbox", True, f"namespaces work as {'root' if os.getuid() == 0 else 'an ordinary user'}")


def _memory() -> Check:
    try:
        memory = memory_for_work()
    except GoldsmithError as error:
        return Check("memory", False, error.message, error.mend)
    if not memory:
        return Check(
            "memory",
            True,
            "short, or Linux before 6.6: work areas go to disk, slower",
            "Free some, or GOLDSMITH_MEMORY=4G.",
        )
    return Check("memory", True, f"work areas of up to {bytes_for_people(memory)} in memory")


def _disk() -> Check:
    try:
        home = Home.default().ready().path
    except GoldsmithError as error:
        return Check("disk", False, error.message, error.mend)
    free = shutil.disk_usage(home).free
    enough = free >= DISK_WANTED
    return Check(
        "disk",
        enough,
        f"{bytes_for_people(free)} free in {home}",
        "" if enough else "Free some with `goldsmith gc`, or point GOLDSMITH_HOME elsewhere.",
    )


def _acceleration() -> Check:
    try:
        acceleration = probe(Home.default().machines)
    except GoldsmithError as error:
        return Check("acceleration", False, error.message, error.mend)
    except OSError as error:
        return Check("acceleration", False, f"not looked at: {error.strerror}: {error.filename}", "See disk, above.")
    return Check("acceleration", True, f"{acceleration.kind}: {acceleration.reason}")


def _archives() -> Check:
    try:
        states = archive_states(debian("12").archives, Home.default().archives)
    except GoldsmithError as error:
        return Check("archives", False, error.message, error.mend)
    except OSError as error:
        return Check("archives", False, f"not looked at: {error.strerror}: {error.filename}", "See disk, above.")
    return Check("archives", True, f"{len(states)} of Debian 12 answer")
