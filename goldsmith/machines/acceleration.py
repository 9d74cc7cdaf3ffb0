"""Whether KVM truly works on this host: a stock kernel boots in it within a time limit, or it does not."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from goldsmith.guests.process import run_process
from goldsmith.machines.initramfs import MARKER, probe_initramfs
from goldsmith.machines.spec import MachineError

LIMIT = 8.0
"""Seconds for the probe; it takes 2.5 even under emulation."""

DEVICE = Path("/dev/kvm")
PROGRAM = "qemu-system-x86_64"


@dataclass(frozen=True)
class Acceleration:
    """How machines run on this host, and why."""

    kind: Literal["kvm", "tcg"]
    reason: str


def probe(cache: Path, kernel: Path | None = None, *, device: Path = DEVICE) -> Acceleration:
    """Return how machines run here, from ``cache`` where this boot of this host was probed before.

    ``kernel`` is a Linux kernel to boot, best that of the image at hand; without one the host's own in /boot
    serves, and with neither the answer is emulation, which is not remembered.
    """
    lacking = _lacking(device)
    if lacking:
        return Acceleration("tcg", lacking)
    answer = cache / f"acceleration-{_fingerprint()}.json"
    if answer.exists():
        return Acceleration(**json.loads(answer.read_text()))
    kernel = kernel or _host_kernel()
    if kernel is None:
        return Acceleration("tcg", f"{device} is there, but no Linux kernel is at hand to try it with")
    found = try_kvm(kernel)
    cache.mkdir(parents=True, exist_ok=True)
    fresh = answer.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(asdict(found)))
    fresh.replace(answer)
    return found


def try_kvm(kernel: Path, *, accelerator: str = "kvm", limit: float = LIMIT) -> Acceleration:
    """Boot ``kernel`` with a program of a few bytes; "kvm" means that the program ran within ``limit`` seconds."""
    processor = "host,-arch-capabilities" if accelerator == "kvm" else "max,la57=off"
    with tempfile.TemporaryDirectory(prefix="goldsmith-probe-") as folder:
        initramfs = Path(folder) / "initramfs"
        initramfs.write_bytes(probe_initramfs())
        argv = [
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(PROGRAM, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", accelerator),
            *("-cpu", processor, "-m", "256", "-display", "none", "-serial", "stdio", "-no-reboot"),
            *("-kernel", str(kernel), "-initrd", str(initramfs)),
            *("-append", "console=ttyS0 panic=-1 quiet"),
        ]
        done = run_process(argv, timeout=limit)
    if MARKER.strip() in done.stdout and done.exit_code == 0:
        return Acceleration("kvm", "a kernel booted in a probe machine")
    if done.timed_out:
        return Acceleration("tcg", f"{DEVICE} answers, but a kernel hung in a probe machine for {limit:.0f} s")
    said = done.stderr.decode(errors="replace").strip().splitlines()
    last = said[-1] if said else f"exit code {done.exit_code}"
    return Acceleration("tcg", f"{DEVICE} answers, but a probe machine failed: {last}")


def qemu_version() -> str:
    """Return QEMU's version line; MachineError when it is not installed."""
    try:
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as missing:
        raise MachineError(
            "QEMU for x86-64 does not run on this host.", mend="Install the package qemu-system-x86."
        ) from missing
    return done.stdout.splitlines()[0]


def _lacking(device: Path) -> str:
    if not device.exists():
        return f"{device} does not exist: this host offers no virtualisation"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"this user may not use {device}: add them to the group kvm (usermod -aG kvm USER)"
    return ""


def _fingerprint() -> str:
    """Name this boot of this host, its kernel and its QEMU."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return hashlib.sha256(f"{boot} {platform.release()} {qemu_version()}".encode()).hexdigest()[:16]


def _host_kernel() -> Path | None:
    kernels = sorted(path for path in Path("/boot").glob("vmlinuz-*") if os.access(path, os.R_OK))
    return kernels[-1] if kernels else None
