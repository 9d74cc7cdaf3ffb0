"""The table of instance types, and what an operator adds to it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from goldsmith.aws.ec2.instance_types import instance_type, instance_types
from goldsmith.aws.errors import AwsError
from goldsmith.aws.settings import Settings


def cloud(**types):
    return SimpleNamespace(settings=Settings.model_validate({"instance_types": types}))


def test_the_built_in_ones_are_there():
    small = instance_type(cloud(), "t3.small")
    assert (small.vcpus, small.memory, small.architectures) == (2, 2048, ("x86_64",))


def test_cores_and_threads_make_processors():
    assert all(kind.vcpus % kind.threads_per_core == 0 for kind in instance_types(cloud()).values())


def test_images_of_32_bits_start_on_small_old_types_only():
    names = {name for name, kind in instance_types(cloud()).items() if "i386" in kind.architectures}
    assert names == {"m1.small", "t2.nano", "t2.micro", "t2.small", "t2.medium"}


def test_an_operator_adds_types_and_changes_some():
    here = cloud(**{"tiny.one": {"vcpus": 1, "memory": 256}, "t3.micro": {"vcpus": 1, "memory": 512}})
    assert instance_type(here, "tiny.one").memory == 256
    micro = instance_type(here, "t3.micro")
    assert (micro.vcpus, micro.memory, micro.threads_per_core, micro.burstable) == (1, 512, 1, True)
    assert list(instance_types(here)) == sorted(instance_types(here))


def test_an_unknown_one_is_refused_as_at_a_launch():
    with pytest.raises(AwsError, match=r"InvalidParameterValue: Invalid value 't9\.huge' for InstanceType\."):
        instance_type(cloud(), "t9.huge")
