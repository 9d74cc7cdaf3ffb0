"""A cloud on which no machine starts: a test says how its instances fare."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from goldsmith.aws.autoscaling.keeper import reconcile
from goldsmith.aws.settings import InstanceType
from goldsmith.catalog.resources import every
from tests.aws.ec2.amis import register

_numbers = itertools.count(1)


@dataclass
class Fleet:
    """One account's groups and instances; ``ill`` are the AMIs whose instances never pass their check."""

    world: Any
    ill: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ec2 = self.world.client("ec2")
        self.autoscaling = self.world.client("autoscaling")

    def template(self, *images: str, **data: Any) -> str:
        """Make a launch template with a version for each AMI."""
        whole = [{"ImageId": image, "InstanceType": "tiny.a", **data} for image in images]
        made = self.ec2.create_launch_template(LaunchTemplateName=f"t-{next(_numbers)}", LaunchTemplateData=whole[0])
        identifier = made["LaunchTemplate"]["LaunchTemplateId"]
        for each in whole[1:]:
            self.ec2.create_launch_template_version(LaunchTemplateId=identifier, LaunchTemplateData=each)
        return identifier

    def image(self) -> str:
        """Register an AMI."""
        return register(self.world)

    def group(self, template: str, size: int = 2, *, version: str = "1", **more: Any) -> str:
        """Make a group and return its name."""
        name = f"g-{next(_numbers)}"
        asked = {
            "MinSize": 0,
            "MaxSize": 10,
            "DesiredCapacity": size,
            "AvailabilityZones": ["us-east-1a", "us-east-1b"],
            "LaunchTemplate": {"LaunchTemplateId": template, "Version": version},
            **more,
        }
        given = {each: value for each, value in asked.items() if value is not None}
        self.ask("CreateAutoScalingGroup", AutoScalingGroupName=name, **given)
        return name

    def turn(self, times: int = 1, *, seconds: float = 30.0) -> None:
        """Let time pass: instances fare as they do, the keeper comes by."""
        for _ in range(times):
            self.world.ahead += seconds
            self._fare()
            reconcile(self.world.cloud)

    def _fare(self) -> None:
        with self.world.cloud.database.reading() as connection:
            instances = list(every(connection, "instance"))
        now = self.world.cloud.clock()
        for instance in instances:
            ill = instance.document["ImageId"] in self.ill
            fares = {
                "pending": lambda it: it.having(state="running"),
                "running": lambda it, ill=ill: it.knowing(
                    status={"system": "passed", "instance": "failed" if ill else "passed"},
                    impaired_since=it.inner.get("impaired_since", now) if ill else None,
                ),
                "shutting-down": lambda it: it.having(state="terminated"),
            }
            if instance.state in fares:
                with self.world.cloud.catalog(instance.account, instance.region) as catalog:
                    catalog.save(fares[instance.state](instance))

    def shown(self, name: str) -> dict[str, Any]:
        """Return a group as it is described."""
        [group] = self.world.call("DescribeAutoScalingGroups", service="autoscaling", AutoScalingGroupNames=[name])[
            "AutoScalingGroups"
        ]
        return group

    def serving(self, name: str) -> list[str]:
        """Return the AMIs of a group's instances that are in service."""
        return sorted(
            each["ImageId"] for each in self.shown(name)["Instances"] if each["LifecycleState"] == "InService"
        )

    def ask(self, operation: str, **asked: Any) -> dict[str, Any]:
        """Run an Auto Scaling operation whatever the clock says."""
        return self.world.call(operation, service="autoscaling", **asked)

    def refresh(self, name: str) -> dict[str, Any]:
        """Return a group's newest instance refresh."""
        return self.ask("DescribeInstanceRefreshes", AutoScalingGroupName=name)["InstanceRefreshes"][0]

    def roll(self, name: str, turns: int = 60) -> dict[str, Any]:
        """Let time pass until the group's refresh is over."""
        for _ in range(turns):
            self.turn()
            if self.refresh(name)["Status"] not in {
                "Pending",
                "InProgress",
                "RollbackInProgress",
                "Baking",
                "Cancelling",
            }:
                break
        return self.refresh(name)


@pytest.fixture
def fleet(fresh, monkeypatch) -> Fleet:
    """A cloud whose jobs are not run, with instance types so small that the host's memory does not matter."""
    monkeypatch.setattr(fresh.cloud, "submit", lambda job: None)
    types = {name: InstanceType(vcpus=1, memory=64) for name in ("tiny.a", "tiny.b")}
    settings = fresh.cloud.settings.model_copy(update={"instance_memory": 1 << 20, "instance_types": types})
    monkeypatch.setattr(fresh.cloud, "settings", settings)
    monkeypatch.setattr("goldsmith.aws.capacity.host_memory", lambda: {"total": 1 << 20, "available": 1 << 20})
    return Fleet(fresh)
