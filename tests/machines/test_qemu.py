from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from goldsmith.machines.acceleration import Acceleration
from goldsmith.machines.qemu import Wiring, qemu_argv
from goldsmith.machines.spec import MachineSpec

SPEC = MachineSpec(disk=Path("/images/web.raw"), evidence=Path("/evidence"), firmware="bios")
WIRING = Wiring(
    overlay=Path("/runs/a,b c/overlay.qcow2"),
    variables=Path("/runs/variables.fd"),
    console=Path("/evidence/console.log"),
    metadata=Path("/runs/a,b c/metadata"),
    monitor=7,
    address="127.77.0.5",
    port=22,
)
UUID = "ec2a1b2c-0000-4000-8000-000000000001"
EMULATED = Acceleration("tcg", "no KVM")


def argv(spec: MachineSpec = SPEC, acceleration: Acceleration = EMULATED) -> list[str]:
    return qemu_argv(spec, WIRING, acceleration, instance_id="i-1", uuid=UUID)


def value(option: str, part: str, command: list[str]) -> str:
    return next(after for name, after in pairwise(command) if name == option and part in after)


def test_the_machine_passes_for_an_ec2_instance() -> None:
    assert f"manufacturer=Amazon EC2,product=t3.micro,serial={UUID},uuid={UUID}" in value("-smbios", "type=1", argv())
    assert value("-uuid", "", argv()) == UUID
    assert "product=m5.large" in value(
        "-smbios", "type=1", argv(replace(SPEC, launch_values={"instance_type": "m5.large"}))
    )


def test_commas_and_spaces_in_paths_survive_both_quotings() -> None:
    assert "file=/runs/a,,b c/overlay.qcow2," in value("-drive", "id=root", argv())
    network = value("-netdev", "guestfwd", argv())
    command = network.partition("-cmd:")[2].partition(",hostfwd")[0].replace(",,", ",")
    assert shlex.split(command)[-1] == "/runs/a,b c/metadata"


def test_ssh_is_reached_on_the_machines_own_loopback_address() -> None:
    assert "hostfwd=tcp:127.77.0.5:22-169.254.1.10:22" in value("-netdev", "user", argv())


def test_outbound_is_restricted_on_request() -> None:
    assert "restrict=off" in value("-netdev", "user", argv())
    assert "restrict=on" in value("-netdev", "user", argv(replace(SPEC, outbound=False)))


def test_only_uefi_has_flash() -> None:
    assert not any("pflash" in part for part in argv())
    uefi = argv(replace(SPEC, firmware="uefi"))
    assert "readonly=on" in value("-drive", "pflash", uefi)
    assert "if=pflash,format=raw,file=/runs/variables.fd" in uefi


def test_the_accelerator_is_the_one_that_works() -> None:
    assert value("-accel", "", argv()) == "tcg,thread=multi"
    assert value("-accel", "", argv(acceleration=Acceleration("kvm", "it booted"))) == "kvm"


def test_nothing_comes_from_the_users_configuration() -> None:
    assert {"-nodefaults", "-no-user-config", "-sandbox"} <= set(argv())
