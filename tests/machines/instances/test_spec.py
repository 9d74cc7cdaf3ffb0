from __future__ import annotations

import json
from dataclasses import replace

import pytest

from goldsmith.machines.instances.spec import (
    AttachedVolume,
    Forward,
    InstanceError,
    InstanceSpec,
    require_id,
    require_sound,
)

SPEC = InstanceSpec(
    instance_id="i-0123456789abcdef0",
    uuid="ec2a1b2c-0000-4000-8000-000000000001",
    mac="02:00:00:00:00:01",
    private_ip="169.254.7.1",
    volumes=(AttachedVolume("vol-0123456789abcdef0", "/dev/xvda", boot=True),),
    forwards=(Forward("tcp", 22, 22),),
)


def test_a_spec_survives_json() -> None:
    assert InstanceSpec.from_json(json.loads(json.dumps(SPEC.as_json()))) == SPEC


def test_a_volumes_serial_is_nitros() -> None:
    assert SPEC.volumes[0].serial == "vol0123456789abcdef0"
    assert len(SPEC.volumes[0].serial) == 20


def test_an_ordinary_spec_is_sound() -> None:
    require_sound(SPEC)


@pytest.mark.parametrize(
    "fields",
    [
        {"instance_id": "../i-0123456789abcdef0"},
        {"uuid": "12345678-0000-4000-8000-000000000001"},
        {"mac": "02:00:00:00:00:01,id=x"},
        {"mac": "03:00:00:00:00:01"},
        {"instance_type": "t3.micro,serial=x"},
        {"private_ip": "10.0.0.1"},
        {"private_ip": "169.254.169.254"},
        {"private_ip": "169.254.1.1"},
        {"private_ip": "169.254.7.1,host=1.2.3.4"},
        {"address": "192.0.2.1"},
        {"memory": 0},
        {"volumes": (SPEC.volumes[0], replace(SPEC.volumes[0], volume_id="vol-1123456789abcdef0"))},
        {"volumes": (replace(SPEC.volumes[0], boot=False), replace(SPEC.volumes[0], device="/dev/sdf", boot=False))},
        {"volumes": (AttachedVolume("vol-0/../../x", "/dev/xvda"),)},
    ],
)
def test_what_qemu_could_not_take_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InstanceError):
        require_sound(replace(SPEC, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("identifier", ["", ".", "..", "i-", "i-XYZ45678", "i-0123456789abcdef0\n", "vol-1/2345678"])
def test_only_ids_name_folders(identifier: str) -> None:
    with pytest.raises(InstanceError):
        require_id(identifier)
