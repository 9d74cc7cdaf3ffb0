"""QEMU's command line for a machine: argv from a spec, with nothing touched."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.machines.spec import MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.machines.acceleration import Acceleration
    from goldsmith.machines.spec import Firmware, MachineSpec

PROGRAM = "qemu-system-x86_64"
RELAY = Path(__file__).with_name("imds_relay.py")
ADDRESS = "169.254.1.10"
NETWORK = "169.254.0.0/16"
MAC = "02:67:6f:6c:64:01"

FIRMWARE = (
    (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
    (Path("/usr/share/OVMF/OVMF_CODE.fd"), Path("/usr/share/OVMF/OVMF_VARS.fd")),
    (Path("/usr/share/edk2/x64/OVMF_CODE.4m.fd"), Path("/usr/share/edk2/x64/OVMF_VARS.4m.fd")),
)
"""Where distributions keep UEFI's code and its variables' template."""


@dataclass(frozen=True)
class Wiring:
    """Where one run of a machine is connected on this host.

    ``variables`` is UEFI's own copy of its variables; ``monitor`` is the number of an inherited, connected
    socket for QMP; ``metadata`` is the socket of the metadata service; ``address`` and ``port`` are the
    host's side of the machine's SSH.
    """

    overlay: Path
    variables: Path
    console: Path
    metadata: Path
    monitor: int
    address: str
    port: int


def qemu_argv(
    spec: MachineSpec, wiring: Wiring, acceleration: Acceleration, *, instance_id: str, uuid: str
) -> list[str]:
    """Return the argv that runs the machine: virtio devices, a serial console, QMP, EC2's SMBIOS strings."""
    ssh = f"tcp:{wiring.address}:{wiring.port}-{ADDRESS}:22"
    return [
        PROGRAM,
        *("-name", f"goldsmith-{instance_id}"),
        *("-nodefaults", "-no-user-config"),
        *("-sandbox", "on,obsolete=deny,resourcecontrol=deny"),
        *acceleration_argv(acceleration),
        *("-m", str(spec.memory), "-smp", str(spec.vcpus)),
        *("-display", "none", "-device", "VGA"),
        *firmware_argv(spec.firmware, wiring.variables),
        *identity_argv(str(spec.launch_values.get("instance_type", "t3.micro")), instance_id, uuid),
        *("-drive", f"if=none,id=root,file={doubled(wiring.overlay)},format=qcow2,cache=unsafe,discard=unmap"),
        *("-device", "virtio-blk-pci,drive=root,bootindex=0"),
        *network_argv(ADDRESS, MAC, wiring.metadata, outbound=spec.outbound, forwards=[ssh]),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"file,id=console,path={doubled(wiring.console)}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=monitor,fd={wiring.monitor}", "-mon", "chardev=monitor,mode=control"),
    ]


def acceleration_argv(acceleration: Acceleration) -> list[str]:
    """Return the machine type, accelerator and processor.

    Under emulation three parts of ``max`` are left out: five-level page tables lengthen each walk, AVX is slower than
    what programs use without it, and with SVM a kernel loads KVM, which is of no use there.
    """
    if acceleration.kind == "kvm":
        return ["-machine", "q35", "-accel", "kvm", "-cpu", "host,-arch-capabilities"]
    return ["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off,avx=off,avx2=off,svm=off"]


def uefi_files() -> tuple[Path, Path]:
    """Return UEFI's code and the template of its variables; MachineError where no package has them."""
    for code, variables in FIRMWARE:
        if code.exists() and variables.exists():
            return code, variables
    raise MachineError("No UEFI firmware for machines is on this host.", mend="Install the package ovmf.")


def firmware_argv(firmware: Firmware, variables: Path) -> list[str]:
    """Return what the firmware needs: UEFI its code and ``variables``, the machine's own; BIOS comes with QEMU."""
    if firmware == "bios":
        return []
    code, _ = uefi_files()
    return [
        *("-drive", f"if=pflash,format=raw,readonly=on,file={doubled(code)}"),
        *("-drive", f"if=pflash,format=raw,file={doubled(variables)}"),
    ]


def identity_argv(instance_type: str, instance_id: str, uuid: str) -> list[str]:
    """Return what cloud-init and EC2's agents look at; the UUID begins with "ec2"."""
    return [
        *("-uuid", uuid),
        *("-smbios", "type=0,vendor=Amazon EC2,version=1.0"),
        *("-smbios", f"type=1,manufacturer=Amazon EC2,product={doubled(instance_type)},serial={uuid},uuid={uuid}"),
        *("-smbios", f"type=2,manufacturer=Amazon EC2,asset={instance_id}"),
        *("-smbios", "type=3,manufacturer=Amazon EC2,asset=Amazon EC2"),
    ]


def network_argv(address: str, mac: str, metadata: Path, *, outbound: bool, forwards: Sequence[str] = ()) -> list[str]:
    """Return a card on QEMU's user network that gives the guest ``address`` and its metadata at 169.254.169.254.

    ``metadata`` is the service's socket, ``forwards`` are rules of QEMU's hostfwd. With ``outbound`` the guest reaches
    the world, and this host's loopback at 169.254.1.1.
    """
    relay = shlex.join([sys.executable, "-I", "-S", str(RELAY), str(metadata)])
    options = [
        "user,id=net,ipv6=off",
        f"net={NETWORK},dhcpstart={address},host=169.254.1.1,dns=169.254.1.3",
        f"restrict={'off' if outbound else 'on'}",
        f"guestfwd=tcp:169.254.169.254:80-cmd:{doubled(relay)}",
        *(f"hostfwd={forward}" for forward in forwards),
    ]
    return ["-netdev", ",".join(options), "-device", f"virtio-net-pci,netdev=net,mac={mac},romfile="]


def doubled(value: object) -> str:
    """Return a value as QEMU's option syntax takes it: with its commas doubled."""
    return str(value).replace(",", ",,")
