from __future__ import annotations

import json

import pytest

from goldsmith.aws.collecting import collect
from goldsmith.aws.settings import AwsRegion
from goldsmith.pipelines.lifecycle.access import ROLE
from goldsmith.pipelines.lifecycle.lifecycles import begin_policy
from goldsmith.pipelines.lifecycle.running import Run, run_execution
from tests.pipelines.lifecycle.conftest import ELSEWHERE, EVERYTHING, REGION, detail


def test_an_image_is_deprecated_disabled_and_deleted_day_by_day(house):
    ami, far = house.ami(), house.ami(region=ELSEWHERE)
    arn = house.image("1.0.0/1", (REGION, ami), (ELSEWHERE, far))
    house.days_pass(10)
    policy = house.policy(
        detail("DELETE", 3, include=EVERYTHING),
        detail("DEPRECATE", 1, include={"amis": True}),
        detail("DISABLE", 2, include={"amis": True}),
    )
    lifecycles = house.lifecycles()
    lifecycles.tick()
    lifecycles.tick()
    assert house.status(arn) == "DEPRECATED"
    for where, each in ((REGION, ami), (ELSEWHERE, far)):
        found = house.described(each, region=where)[0]
        assert found["DeprecationTime"].startswith("2026-12-03T09:30")
        assert {"Key": "DeprecatedBy", "Value": "EC2 Image Builder"} in found["Tags"]
        assert found["State"] == "available"
    shown = house.ask("GetImage", imageBuildVersionArn=arn)["image"]
    assert shown["deprecationTime"]
    assert [each["state"] for each in shown["outputResources"]["amis"]] == [{"status": "DEPRECATED"}] * 2
    house.days_pass(1)
    lifecycles.tick()
    assert house.status(arn) == "DISABLED"
    assert house.described(ami)[0]["State"] == "disabled"
    house.days_pass(1)
    lifecycles.tick()
    assert house.status(arn) == "DELETED"
    assert not house.described(ami)
    assert not house.described(far, region=ELSEWHERE)
    assert not house.snapshots()
    assert not house.snapshots(region=ELSEWHERE)
    gone = collect(house.world.cloud, grace=-DAY_AND_MORE)
    assert sum(each.blocks for each in gone.values()) >= 2
    house.days_pass(1)
    lifecycles.tick()
    executions = house.executions(policy)
    assert [each["state"]["status"] for each in executions] == ["SUCCESS"] * 4
    assert [each["resourcesImpactedSummary"]["hasImpactedResources"] for each in executions] == [True] * 3 + [False]
    assert house.told == [(arn, "DEPRECATED"), (arn, "DISABLED"), (arn, "DELETED")]
    assert [each["lifecycleExecutionId"] for each in house.executions(arn)] == [
        each["lifecycleExecutionId"] for each in executions[:3]
    ]
    assert shown["lifecycleExecutionId"] == executions[0]["lifecycleExecutionId"]


DAY_AND_MORE = 30 * 24 * 3600.0


def test_what_was_done_to_which_resource_is_told(house):
    ami = house.ami()
    (snapshot,) = house.snapshots()
    arn = house.image("1.0.0/1", (REGION, ami))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    house.lifecycles().tick()
    execution = house.executions(policy)[0]["lifecycleExecutionId"]
    (image_row,) = house.rows(execution)
    assert image_row["resourceId"] == arn
    assert image_row["action"] == {"name": "DELETE", "reason": "The image is older than 1 days."}
    assert image_row["state"] == {"status": "SUCCESS"}
    assert (image_row["accountId"], image_row["region"]) == (house.account, REGION)
    (ami_row,) = house.rows(execution, arn)
    assert (ami_row["resourceId"], ami_row["state"]) == (ami, {"status": "SUCCESS"})
    assert ami_row["snapshots"] == [{"snapshotId": snapshot, "state": {"status": "SUCCESS"}}]
    assert not house.rows(execution, "arn:of:another")


def test_only_the_record_changes_without_included_resources(house):
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    house.days_pass(2)
    house.policy(detail("DELETE", 1))
    house.lifecycles().tick()
    assert house.status(arn) == "DELETED"
    assert house.described(ami)[0]["State"] == "available"
    assert house.snapshots()


def test_a_policy_runs_once_a_day_and_only_while_it_is_enabled(house):
    policy = house.policy(detail("DELETE", kept=1))
    lifecycles = house.lifecycles()
    for _ in range(4):
        lifecycles.tick()
        house.days_pass(0.3)
    assert len(house.executions(policy)) == 1
    lifecycles.tick()
    assert len(house.executions(policy)) == 2
    document = house.ask("GetLifecyclePolicy", lifecyclePolicyArn=policy)["lifecyclePolicy"]
    assert document["dateLastRun"]
    house.ask(
        "UpdateLifecyclePolicy",
        lifecyclePolicyArn=policy,
        status="DISABLED",
        **{name: document[name] for name in ("executionRole", "resourceType", "policyDetails", "resourceSelection")},
    )
    house.days_pass(3)
    lifecycles.tick()
    assert len(house.executions(policy)) == 2


def test_an_excluded_ami_keeps_its_image(house):
    kept, gone = house.ami(), house.ami(region=ELSEWHERE)
    arn = house.image("1.0.0/1", (REGION, kept), (ELSEWHERE, gone))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING, amis={"regions": [REGION]}))
    house.lifecycles().tick()
    assert house.status(arn) == "AVAILABLE"
    assert house.described(kept)
    assert not house.described(gone, region=ELSEWHERE)
    execution = house.executions(policy)[0]["lifecycleExecutionId"]
    assert house.rows(execution)[0]["state"] == {
        "status": "SKIPPED",
        "reason": "The image is kept, as an AMI of it is left alone.",
    }
    assert [row["state"]["status"] for row in house.rows(execution, arn)] == ["SKIPPED", "SUCCESS"]
    house.days_pass(1)
    house.lifecycles().tick()
    assert house.status(arn) == "AVAILABLE"


def test_an_ami_at_aws_is_left_alone(house):
    cloud = house.world.cloud
    there = AwsRegion(accounts=(house.account,), endpoint="http://127.0.0.1:9")
    cloud.settings = cloud.settings.model_copy(update={"aws": {"aws-1": there}})
    arn = house.image("1.0.0/1", ("aws-1", "ami-0123456789abcdef0"))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    house.lifecycles().tick()
    assert house.status(arn) == "AVAILABLE"
    [row] = house.rows(house.executions(policy)[0]["lifecycleExecutionId"], arn)
    assert row["state"]["status"] == "SKIPPED"
    assert "AWS's own" in row["state"]["reason"]


def test_an_excluded_ami_does_not_keep_its_image_from_being_disabled(house):
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    house.ec2("CreateTags", Resources=[ami], Tags=[{"Key": "keep", "Value": "yes"}])
    house.days_pass(2)
    house.policy(detail("DISABLE", 1, include={"amis": True}, amis={"tagMap": {"keep": "yes"}}))
    house.lifecycles().tick()
    assert house.status(arn) == "DISABLED"
    assert house.described(ami)[0]["State"] == "available"


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        ({"isPublic": True}, {"LaunchPermission": {"Add": [{"Group": "all"}]}}),
        ({"sharedAccounts": ["OTHER"]}, {"LaunchPermission": {"Add": [{"UserId": "OTHER"}]}}),
    ],
)
def test_shared_amis_are_spared(house, rule, make):
    def named(value):
        return json.loads(json.dumps(value).replace("OTHER", house.other))

    ami = house.ami()
    house.ec2("ModifyImageAttribute", ImageId=ami, **named(make))
    house.image("1.0.0/1", (REGION, ami))
    house.days_pass(2)
    house.policy(detail("DELETE", 1, include=EVERYTHING, amis=named(rule)))
    house.lifecycles().tick()
    assert house.described(ami)


def test_amis_that_were_launched_lately_are_spared(house):
    ami = house.ami()
    house.image("1.0.0/1", (REGION, ami))
    house.days_pass(30)
    house.world.cloud.submit = lambda job: None
    house.ec2("RunInstances", ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.nano")
    house.policy(detail("DELETE", 1, include=EVERYTHING, amis={"lastLaunched": {"value": 1, "unit": "WEEKS"}}))
    house.lifecycles().tick()
    assert house.described(ami)
    house.days_pass(8)
    house.lifecycles().tick()
    assert not house.described(ami)


def test_what_ec2_refuses_is_told_and_tried_again(house):
    ami, fine = house.ami(), house.ami()
    house.ec2("EnableImageDeregistrationProtection", ImageId=ami)
    protected = house.image("1.0.0/1", (REGION, ami))
    other = house.image("1.0.0/2", (REGION, fine))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    lifecycles = house.lifecycles()
    lifecycles.tick()
    assert (house.status(protected), house.status(other)) == ("AVAILABLE", "DELETED")
    first = house.executions(policy)[0]
    assert first["state"] == {"status": "FAILED", "reason": "2 of 5 resources could not be changed."}
    assert "protect" in house.rows(first["lifecycleExecutionId"])[1]["state"]["reason"].lower()
    house.ec2("DisableImageDeregistrationProtection", ImageId=ami)
    house.days_pass(2)
    lifecycles.tick()
    assert house.status(protected) == "DELETED"


def test_a_snapshot_that_something_else_needs_stays(house):
    ami = house.ami()
    (snapshot,) = house.snapshots()
    mapping = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}]
    house.ec2(
        "RegisterImage", Name="twin", RootDeviceName="/dev/xvda", BlockDeviceMappings=mapping, VirtualizationType="hvm"
    )
    arn = house.image("1.0.0/1", (REGION, ami))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    house.lifecycles().tick()
    assert house.status(arn) == "DELETED"
    assert house.snapshots() == [snapshot]
    execution = house.executions(policy)[0]
    assert execution["state"]["status"] == "SUCCESS"
    assert house.rows(execution["lifecycleExecutionId"], arn)[0]["snapshots"][0]["state"]["status"] == "SKIPPED"


def test_an_ami_that_is_gone_already_is_what_it_should_be(house):
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami), (REGION, "ami-00000000000000bad"))
    house.ec2("DeregisterImage", ImageId=ami)
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    house.lifecycles().tick()
    assert house.status(arn) == "DELETED"
    rows = house.rows(house.executions(policy)[0]["lifecycleExecutionId"], arn)
    assert [row["state"] for row in rows] == [{"status": "SUCCESS"}] * 2


@pytest.mark.parametrize("agreed", [False, True])
def test_another_accounts_ami_is_touched_only_where_that_account_agreed(house, agreed):
    ami = house.ami(account=house.other)
    if agreed:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": ["imagebuilder.amazonaws.com"]},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": house.account},
                "ArnLike": {"aws:SourceArn": "arn:*:imagebuilder:*:*:image/*/*/*"},
            },
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        house.ask("CreateRole", "iam", account=house.other, RoleName=ROLE, AssumeRolePolicyDocument=document)
    arn = house.image("1.0.0/1", (REGION, ami, house.other))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    house.lifecycles().tick()
    assert bool(house.described(ami, account=house.other)) != agreed
    assert house.status(arn) == ("DELETED" if agreed else "AVAILABLE")
    (row,) = house.rows(house.executions(policy)[0]["lifecycleExecutionId"], arn)
    assert agreed or ROLE in row["state"]["reason"]


class Killed(BaseException):
    """The end of the process."""


@pytest.mark.parametrize("operation", ["DeregisterImage", "DeleteSnapshot"])
@pytest.mark.parametrize("before", [True, False])
def test_an_execution_that_a_kill_cut_short_is_taken_up(house, monkeypatch, operation, before):
    amis = [house.ami(), house.ami(), house.ami(region=ELSEWHERE)]
    house.image("1.0.0/1", (REGION, amis[0]))
    arn = house.image("1.0.0/2", (REGION, amis[1]), (ELSEWHERE, amis[2]))
    house.days_pass(2)
    policy = house.policy(detail("DELETE", 1, include=EVERYTHING))
    whole, calls = house.world.call, []

    def call(account, region, service, name, **parameters):
        calls.append(name)
        dies = name == operation and calls.count(name) == 2
        if dies and before:
            raise Killed
        answer = whole(account, region, service, name, **parameters)
        if dies:
            raise Killed
        return answer

    monkeypatch.setattr(house.world, "call", call)
    with pytest.raises(Killed):
        house.lifecycles().tick()
    monkeypatch.undo()
    lifecycles = house.lifecycles()
    lifecycles.tick()
    assert house.executions(policy)[0]["state"]["status"] == "IN_PROGRESS"
    house.now[0] += 61
    lifecycles.tick()
    (execution,) = house.executions(policy)
    assert execution["state"]["status"] == "SUCCESS"
    assert house.status(arn) == "DELETED"
    assert not house.snapshots()
    assert not house.snapshots(region=ELSEWHERE)
    assert all(not house.described(ami) for ami in amis)


def test_two_servers_make_one_execution(house):
    arn = house.policy(detail("DELETE", kept=1))
    (policy,) = house.world.every("lifecycle-policy")
    assert begin_policy(house.world, policy)
    assert not begin_policy(house.world, policy)
    assert len(house.executions(arn)) == 1


def test_an_execution_is_cancelled_between_two_images(house):
    images = [house.image(f"1.0.0/{number}", (REGION, house.ami())) for number in (1, 2)]
    house.days_pass(2)
    arn = house.policy(detail("DELETE", 1, include=EVERYTHING))
    execution = begin_policy(house.world, house.world.every("lifecycle-policy")[0])

    class Cancelled(Run):
        def _do(self, row):
            super()._do(row)
            with house.world.catalog(house.account, REGION) as catalog:
                record = catalog.own("lifecycle-execution", execution.id)
                catalog.save(record.having(state="CANCELLING"))

    Cancelled(house.world, house.account, REGION, execution.id, house.emit).run()
    assert [house.status(each) for each in images] == ["AVAILABLE", "DELETED"]
    assert house.executions(arn)[0]["state"]["status"] == "CANCELLED"
    assert [row["state"]["status"] for row in house.rows(execution.id)] == ["SUCCESS", "SKIPPED"]


def test_a_policy_that_is_deleted_ends_its_execution(house):
    image = house.image("1.0.0/1", (REGION, house.ami()))
    house.days_pass(2)
    arn = house.policy(detail("DELETE", 1, include=EVERYTHING))
    execution = begin_policy(house.world, house.world.every("lifecycle-policy")[0])
    house.ask("DeleteLifecyclePolicy", lifecyclePolicyArn=arn)
    run_execution(house.world, house.account, REGION, execution.id, house.emit)
    found = house.ask("GetLifecycleExecution", lifecycleExecutionId=execution.id)["lifecycleExecution"]
    assert found["state"]["status"] == "CANCELLED"
    assert house.status(image) == "AVAILABLE"


def test_a_policy_that_is_disabled_ends_its_execution(house):
    image = house.image("1.0.0/1", (REGION, house.ami()))
    house.days_pass(2)
    house.policy(detail("DELETE", 1, include=EVERYTHING))
    policy = house.world.every("lifecycle-policy")[0]
    execution = begin_policy(house.world, policy)
    with house.world.catalog(house.account, REGION) as catalog:
        catalog.save(catalog.own(policy.kind, policy.id).having(state="DISABLED", status="DISABLED"))
    run_execution(house.world, house.account, REGION, execution.id, house.emit)
    assert house.executions(policy.id)[0]["state"]["status"] == "CANCELLED"
    assert house.status(image) == "AVAILABLE"


def test_a_policy_has_one_execution_at_a_time(house):
    arn = house.policy(detail("DELETE", kept=1))
    policy = house.world.every("lifecycle-policy")[0]
    begin_policy(house.world, policy)
    house.days_pass(2)
    assert not begin_policy(house.world, policy)
    lifecycles = house.lifecycles()
    lifecycles.tick()
    assert [each["state"]["status"] for each in house.executions(arn)] == ["SUCCESS"]
    lifecycles.tick()
    assert [each["state"]["status"] for each in house.executions(arn)] == ["SUCCESS", "SUCCESS"]


def test_executions_are_forgotten_after_three_months(house):
    policy = house.policy(detail("DELETE", kept=1))
    lifecycles = house.lifecycles()
    for _ in range(3):
        lifecycles.tick()
        house.days_pass(50)
    lifecycles.tick()
    assert len(house.executions(policy)) == 2
