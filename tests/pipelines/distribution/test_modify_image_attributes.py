"""ModifyImageAttributes: who may launch what was distributed."""

from __future__ import annotations

from tests.pipelines.distribution.conftest import AWAY, HOME, STRANGER
from tests.pipelines.distribution.runs import a_run, distributing

ORGANIZATION = "arn:aws:organizations::123456789012:organization/o-abcdefghij"
UNIT = "arn:aws:organizations::123456789012:ou/o-abcdefghij/ou-abcd-abcdefgh"


def permissions(bench, region, ami, account=HOME):
    asked = {"ImageId": ami, "Attribute": "launchPermission"}
    return bench.ask("DescribeImageAttribute", region=region, account=account, **asked)["LaunchPermissions"]


def test_each_regions_amis_are_shared_with_whom_it_says(bench):
    bench.agree(AWAY, HOME)
    bench.run = a_run(
        distribution=distributing(
            {"region": "us-east-1", "amiDistributionConfiguration": {"launchPermission": {"userIds": [STRANGER]}}},
            {
                "region": "us-west-2",
                "amiDistributionConfiguration": {
                    "targetAccountIds": [HOME, AWAY],
                    "launchPermission": {"organizationArns": [ORGANIZATION], "organizationalUnitArns": [UNIT]},
                },
            },
            {"region": "eu-west-1", "amiDistributionConfiguration": {"name": "E {{imagebuilder:buildDate}}"}},
        )
    )
    rows = bench.do("DistributeImage")["distributedImages"]
    modified = bench.do("ModifyImageAttributes", distributedImages=rows)["modifiedImages"]
    assert [(row["region"], row["accountId"], row["amiId"]) for row in modified] == [
        (row["region"], row["accountId"], row["amiId"]) for row in rows[:3]
    ]
    assert permissions(bench, "us-east-1", bench.ami) == [{"UserId": STRANGER}]
    shared = [{"OrganizationArn": ORGANIZATION}, {"OrganizationalUnitArn": UNIT}]
    for row in rows[1:3]:
        found = permissions(bench, "us-west-2", row["amiId"], row["accountId"])
        assert sorted(found, key=str) == sorted(shared, key=str)
    assert permissions(bench, "eu-west-1", rows[3]["amiId"]) == []
    again = bench.do("ModifyImageAttributes", distributedImages=rows)["modifiedImages"]
    assert len(again) == 3


def test_everybody_may_launch_only_where_that_is_not_blocked(bench):
    rows = bench.do("DistributeImage", distributions=[{"region": "us-west-2"}, {"region": "eu-west-1"}])
    blocked = {"ImageBlockPublicAccessState": "block-new-sharing"}
    bench.ask("EnableImageBlockPublicAccess", region="us-west-2", **blocked)
    bench.ask("DisableImageBlockPublicAccess", region="eu-west-1")
    everybody = [
        {"region": row["region"], "launchPermission": {"userGroups": ["all"]}} for row in rows["distributedImages"]
    ]
    failed = bench.fail("ModifyImageAttributes", attributes=everybody, **rows)
    assert [each["region"] for each in failed.regions] == ["us-west-2"]
    assert "publicly share this image" in failed.regions[0]["errorMessage"]
    assert [(row["status"], row["step"]) for row in failed.outputs["modifiedImages"]] == [
        ("Failed", "ModifyAmiRunning"),
        ("Completed", "Completed"),
    ]
    europe = rows["distributedImages"][1]
    assert permissions(bench, "eu-west-1", europe["amiId"]) == [{"Group": "all"}]


def test_failed_copies_are_left_out(bench):
    rows = [
        {"region": "us-west-2", "accountId": HOME, "status": "Failed", "step": "CopyAmiRunning", "errorMessage": "no"}
    ]
    attributes = [{"region": "us-west-2", "launchPermission": {"userIds": [AWAY]}}]
    assert bench.do("ModifyImageAttributes", distributedImages=rows, attributes=attributes) == {"modifiedImages": []}


def test_what_others_have_is_out_of_a_workflows_reach(bench):
    """An account that agreed to get images has not agreed to have its own ones shared."""
    private = bench.register("private", "z", account=STRANGER)
    rows = [{"region": "us-east-1", "accountId": STRANGER, "amiId": private, "status": "Completed"}]
    attributes = [{"region": "us-east-1", "launchPermission": {"userIds": [HOME]}}]
    asked = {"distributedImages": rows, "attributes": attributes}
    assert "sts:AssumeRole" in bench.fail("ModifyImageAttributes", **asked).message
    bench.agree(STRANGER, HOME)
    assert f"{private} of account {STRANGER} is no AMI of" in bench.fail("ModifyImageAttributes", **asked).message
    assert permissions(bench, "us-east-1", private, STRANGER) == []


def test_without_a_list_of_images_it_is_refused(bench):
    assert "has no list distributedImages" in bench.fail("ModifyImageAttributes").message
    assert (
        "an AMI's id"
        in bench.fail(
            "ModifyImageAttributes", distributedImages=[{"region": "r", "accountId": HOME, "amiId": "x"}]
        ).message
    )
