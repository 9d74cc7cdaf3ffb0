"""What is told of instances' checks, with and without tags."""

from __future__ import annotations

import pytest

from tests.aws.ec2.amis import register


@pytest.mark.parametrize("tags", [[], [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]])
def test_an_instance_that_does_not_run_is_told_where_all_are_asked_for(served, monkeypatch, tags):
    monkeypatch.setattr(served.cloud, "submit", lambda job: None)
    ec2 = served.client()
    image = register(served)
    launched = ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1, TagSpecifications=tags)[
        "Instances"
    ][0]["InstanceId"]
    assert ec2.describe_instance_status(InstanceIds=[launched])["InstanceStatuses"] == []
    [told] = ec2.describe_instance_status(InstanceIds=[launched], IncludeAllInstances=True)["InstanceStatuses"]
    assert told["InstanceState"]["Name"] == "pending"
    assert told["InstanceStatus"]["Status"] == "not-applicable"
