"""A disk in QEMU and nothing more: what a boot costs when nobody serves metadata, logs in or tests."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from bench.measuring import CaseFailedError
from goldsmith.guests.bound import end, start_bound
from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.machine import Machine
from goldsmith.machines.qemu import acceleration_argv, uefi_files
from goldsmith.machines.spec import MachineSpec

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.machines.spec import Firmware

LIMIT_SECONDS = 600
LOOK_SECONDS = 0.05
PROMPT = b" login: "


def bare_boot(disk: Path, firmware: str, acceleration: str, work: Path) -> None:
    """Return when the raw ``disk`` shows a login prompt on its serial console; writes go to a file thrown away.

    Processor, memory (1024 MiB), firmware and devices are those that Goldsmith's own machine has.
    """
    console = work / "console"
    console.unlink(missing_ok=True)
    argv = [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config"),
        *acceleration_argv(Acceleration("kvm" if acceleration == "kvm" else "tcg", "")),
        *("-m", "1024", "-smp", "2", "-display", "none", "-device", "VGA"),
        *("-drive", f"if=none,id=root,file={disk},format=raw,cache=unsafe,discard=unmap,snapshot=on"),
        *("-device", "virtio-blk-pci,drive=root,bootindex=0"),
        *("-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-pci,netdev=net,romfile="),
        *("-device", "virtio-rng-pci", "-serial", f"file:{console}"),
    ]
    if firmware == "uefi":
        code, template = uefi_files()
        variables = work / "variables.fd"
        shutil.copyfile(template, variables)
        argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        argv += ["-drive", f"if=pflash,format=raw,file={variables}"]
    process = start_bound(argv)
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        while not (console.exists() and PROMPT in console.read_bytes()):
            if process.poll() is not None or time.monotonic() > deadline:
                last = console.read_bytes()[-2000:].decode(errors="replace") if console.exists() else ""
                raise CaseFailedError(f"the bare boot showed no login prompt: {last}")
            time.sleep(LOOK_SECONDS)
    finally:
        end(process)


def instance_boot(disk: Path, firmware: Firmware, acceleration: str, work: Path) -> None:
    """Return when the raw ``disk`` shows a login prompt, booted as an instance: cloud-init finds its metadata."""
    spec = MachineSpec(disk=disk, evidence=work / "evidence", firmware=firmware)
    how = Acceleration("kvm" if acceleration == "kvm" else "tcg", "")
    deadline = time.monotonic() + LIMIT_SECONDS
    with Machine(spec, how, runs=work / "machines") as machine:
        while PROMPT not in machine.console.path.read_bytes():
            machine.check()
            if time.monotonic() > deadline:
                raise CaseFailedError("the instance showed no login prompt")
            time.sleep(LOOK_SECONDS)
