"""AMIs for tests: made of snapshots that are whole in the catalogue and have no blocks."""

from __future__ import annotations

import itertools

import pytest
from botocore.exceptions import ClientError

from goldsmith.catalog.resources import Resource, new_id

_numbers = itertools.count(1)


def snapshot(world, account="acme", *, size=8, region="us-east-1", state="completed"):
    """Add a snapshot of the account and return its id."""
    owner = world.credential(account).account
    document = {"VolumeSize": size, "VolumeId": "vol-ffffffff", "Description": "", "Encrypted": False}
    with world.cloud.catalog(owner, region) as catalog:
        made = Resource(new_id("snap"), "snapshot", owner.id, region, "", state, world.cloud.clock(), document)
        return catalog.add(made.knowing(map="0" * 64)).id


def register(world, account="acme", name="", *, region="us-east-1", **more):
    """Register an AMI of one fresh snapshot and return its id."""
    asked = {
        "Name": name or f"image-{next(_numbers)}",
        "Architecture": "x86_64",
        "VirtualizationType": "hvm",
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot(world, account, region=region)}}
        ],
        **more,
    }
    return world.client(account=account, region=region).register_image(**asked)["ImageId"]


def share(world, image, *users, account="acme", group=None):
    """Share an account's AMI with other accounts, by name, or with a group."""
    grants = [{"UserId": world.account_id(user)} for user in users] + ([{"Group": group}] if group else [])
    world.client(account=account).modify_image_attribute(ImageId=image, LaunchPermission={"Add": grants})


def shown(world, account="acme", **asked):
    """Return the AMIs that an account is shown, by id."""
    answer = world.client(account=account).describe_images(**asked)
    return {image["ImageId"]: image for image in answer["Images"]}


def refusal(function, **asked):
    """Return the code of a call's refusal."""
    with pytest.raises(ClientError) as refused:
        function(**asked)
    return refused.value.response["Error"]["Code"]


def where(name, *values):
    """Return a request's filter."""
    return [{"Name": name, "Values": list(values)}]
