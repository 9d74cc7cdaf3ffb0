"""Versions through boto3: inheriting, order, pages, aliases, deletion; ten thousand of them stay quick."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import insert

from goldsmith.aws.ec2 import launch_template_versions
from goldsmith.catalog.tables import RESOURCES


def code(caught) -> tuple[str, str]:
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def ec2(served):
    return served.client()


@pytest.fixture
def template(ec2) -> dict:
    made = ec2.create_launch_template(
        LaunchTemplateName=f"web-{uuid.uuid4().hex[:12]}",
        LaunchTemplateData={
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "t3.micro",
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-0123456789abcdef0", "VolumeSize": 8}}
            ],
        },
    )
    return made["LaunchTemplate"]


def add(ec2, template, data=None, **more) -> dict:
    made = ec2.create_launch_template_version(
        LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData=data or {"InstanceType": "t3.small"}, **more
    )
    return made["LaunchTemplateVersion"]


def numbers(ec2, template, **asked) -> list[int]:
    answer = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"], **asked)
    return [each["VersionNumber"] for each in answer["LaunchTemplateVersions"]]


def test_a_version_from_nothing_has_only_what_is_given(ec2, template):
    version = add(ec2, template, {"KeyName": "mine"}, VersionDescription="second")
    assert version["VersionNumber"] == 2
    assert version["DefaultVersion"] is False
    assert version["LaunchTemplateData"] == {"KeyName": "mine"}
    [shown] = ec2.describe_launch_templates(LaunchTemplateIds=[template["LaunchTemplateId"]])["LaunchTemplates"]
    assert (shown["DefaultVersionNumber"], shown["LatestVersionNumber"]) == (1, 2)


@pytest.mark.parametrize("source", ["1", "$Latest", "$Default"])
def test_a_version_from_another_inherits_what_is_not_given_save_snapshots(ec2, template, source):
    version = add(ec2, template, {"InstanceType": "t3.small"}, SourceVersion=source)
    assert version["LaunchTemplateData"] == {
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "t3.small",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}}],
    }
    explicit = [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-0123456789abcdef1"}}]
    version = add(ec2, template, {"BlockDeviceMappings": explicit}, SourceVersion=source)
    assert version["LaunchTemplateData"]["BlockDeviceMappings"] == explicit


def test_a_source_that_is_not_there(ec2, template):
    with pytest.raises(ClientError) as caught:
        add(ec2, template, SourceVersion="7")
    assert code(caught) == (
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version 7 for the launch template with ID {template['LaunchTemplateId']}.",
    )


def test_versions_ascend_whatever_is_asked(ec2, template):
    for _ in range(4):
        add(ec2, template)
    ec2.modify_launch_template(LaunchTemplateId=template["LaunchTemplateId"], DefaultVersion="3")
    assert numbers(ec2, template) == [1, 2, 3, 4, 5]
    assert numbers(ec2, template, Versions=["4", "$Default", "$Latest", "4"]) == [3, 4, 5]
    assert numbers(ec2, template, MinVersion="2", MaxVersion="4") == [2, 3, 4]
    assert numbers(ec2, template, Filters=[{"Name": "is-default-version", "Values": ["true"]}]) == [3]
    assert numbers(ec2, template, Filters=[{"Name": "instance-type", "Values": ["t3.mi*"]}]) == [1]
    with pytest.raises(ClientError) as caught:
        numbers(ec2, template, Versions=["1", "9"])
    assert code(caught)[0] == "InvalidLaunchTemplateId.VersionNotFound"


@pytest.mark.parametrize("asked", [{}, {"Versions": ["5", "1", "2", "3"]}])
def test_pages_hold_each_version_once(ec2, template, asked):
    for _ in range(4):
        add(ec2, template)
    pages = ec2.get_paginator("describe_launch_template_versions").paginate(
        LaunchTemplateId=template["LaunchTemplateId"], PaginationConfig={"PageSize": 2}, **asked
    )
    sizes, found = [], []
    for page in pages:
        sizes.append(len(page["LaunchTemplateVersions"]))
        found += [each["VersionNumber"] for each in page["LaunchTemplateVersions"]]
    assert max(sizes) == 2
    assert found == ([1, 2, 3, 5] if asked else [1, 2, 3, 4, 5])


def test_the_latest_and_default_versions_of_all_templates(fresh):
    ec2 = fresh.client()
    made = [
        ec2.create_launch_template(LaunchTemplateName=f"all-{n}", LaunchTemplateData={"InstanceType": "t3.micro"})
        for n in range(3)
    ]
    add(ec2, made[1]["LaunchTemplate"])
    fresh.client(account="other").create_launch_template(
        LaunchTemplateName="theirs", LaunchTemplateData={"InstanceType": "t3.micro"}
    )

    def listed(**asked) -> list[tuple[str, int]]:
        pages = ec2.get_paginator("describe_launch_template_versions").paginate(
            PaginationConfig={"PageSize": 2}, **asked
        )
        return [
            (each["LaunchTemplateName"], each["VersionNumber"])
            for page in pages
            for each in page["LaunchTemplateVersions"]
        ]

    assert listed(Versions=["$Latest"]) == [("all-0", 1), ("all-1", 2), ("all-2", 1)]
    assert listed(Versions=["$Default"]) == [("all-0", 1), ("all-1", 1), ("all-2", 1)]
    assert listed(Versions=["$Default", "$Latest"]) == [("all-0", 1), ("all-1", 1), ("all-1", 2), ("all-2", 1)]
    for asked, expected in (({}, "MissingParameter"), ({"Versions": ["1"]}, "InvalidParameterValue")):
        with pytest.raises(ClientError) as caught:
            ec2.describe_launch_template_versions(**asked)
        assert code(caught)[0] == expected
        assert code(caught)[1].startswith(
            "To describe the launch template data for all your launch templates, for \u2018--"
        )


def test_deleting_versions_tells_of_each(ec2, template):
    for _ in range(3):
        add(ec2, template)
    answer = ec2.delete_launch_template_versions(
        LaunchTemplateName=template["LaunchTemplateName"], Versions=["1", "4", "3", "9", "rubbish"]
    )
    whose = {name: template[name] for name in ("LaunchTemplateId", "LaunchTemplateName")}
    assert answer["SuccessfullyDeletedLaunchTemplateVersions"] == [
        {**whose, "VersionNumber": 4},
        {**whose, "VersionNumber": 3},
    ]
    failed = [
        (each["VersionNumber"], each["ResponseError"]["Code"])
        for each in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]
    ]
    assert failed == [
        (1, "unexpectedError"),
        (9, "launchTemplateVersionDoesNotExist"),
        (0, "launchTemplateVersionDoesNotExist"),
    ]
    [shown] = ec2.describe_launch_templates(LaunchTemplateIds=[template["LaunchTemplateId"]])["LaunchTemplates"]
    assert shown["LatestVersionNumber"] == 2
    assert numbers(ec2, template, Versions=["$Latest"]) == [2]
    assert add(ec2, template)["VersionNumber"] == 5


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        ({"LaunchTemplateId": "lt-0123456789abcdef0"}, "launchTemplateIdDoesNotExist"),
        ({"LaunchTemplateId": "rubbish"}, "launchTemplateIdMalformed"),
        ({"LaunchTemplateName": "nothing"}, "launchTemplateNameDoesNotExist"),
    ],
)
def test_deleting_versions_of_no_template(ec2, whose, expected):
    answer = ec2.delete_launch_template_versions(**whose, Versions=["1", "2"])
    assert [each["ResponseError"]["Code"] for each in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [
        expected,
        expected,
    ]


def test_no_more_versions_than_the_limit(ec2, template, monkeypatch):
    monkeypatch.setattr(launch_template_versions, "MOST", 2)
    add(ec2, template)
    with pytest.raises(ClientError) as caught:
        add(ec2, template)
    assert code(caught)[0] == "MaxTemplateVersionLimitExceeded"


def test_an_alias_is_resolved_in_the_answer_only(served, ec2):
    ssm = served.client("ssm")
    ssm.put_parameter(Name="/golden/web", Value="ami-0123456789abcdef7", Type="String", DataType="text")
    made = ec2.create_launch_template(
        LaunchTemplateName=f"alias-{uuid.uuid4().hex[:8]}", LaunchTemplateData={"ImageId": "resolve:ssm:/golden/web"}
    )["LaunchTemplate"]

    def image(**asked) -> str:
        [version] = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"], **asked)[
            "LaunchTemplateVersions"
        ]
        return version["LaunchTemplateData"]["ImageId"]

    assert image(ResolveAlias=True) == "ami-0123456789abcdef7"
    assert image() == "resolve:ssm:/golden/web"


def test_ten_thousand_versions_are_found_by_number_without_reading_them_all(fresh):
    ec2 = fresh.client()
    made = ec2.create_launch_template(LaunchTemplateName="many", LaunchTemplateData={"InstanceType": "t3.micro"})
    identifier = made["LaunchTemplate"]["LaunchTemplateId"]
    account = fresh.credential().account
    like = {
        "kind": "launch-template-version",
        "account": account.id,
        "region": "us-east-1",
        "name": identifier,
        "state": "",
        "created": 0.0,
        "document": {"LaunchTemplateData": {"InstanceType": "t3.micro"}, "CreatedBy": "me"},
    }
    rows = [{**like, "id": f"{identifier}:{number}", "inner": {"number": number}} for number in range(2, 9_999)]
    with fresh.cloud.catalog(account, "us-east-1") as catalog:
        catalog.connection.execute(insert(RESOURCES), rows)
        template = catalog.own("launch-template", identifier)
        catalog.save(template.knowing(last=9_998, versions=9_998).having(LatestVersionNumber=9_998))
    whose = {"LaunchTemplateId": identifier}
    for data in ({"InstanceType": "t3.small"}, {"InstanceType": "t3.large"}):
        ec2.create_launch_template_version(**whose, SourceVersion="$Latest", LaunchTemplateData=data)
    latest = ec2.describe_launch_template_versions(**whose, Versions=["$Latest"])["LaunchTemplateVersions"]
    assert [each["VersionNumber"] for each in latest] == [10_000]
    ec2.delete_launch_template_versions(**whose, Versions=["10000"])
    assert (
        ec2.describe_launch_template_versions(**whose, MaxResults=5)["LaunchTemplateVersions"][-1]["VersionNumber"] == 5
    )
    ec2.delete_launch_template(**whose)
    with fresh.cloud.catalog(account, "us-east-1") as catalog:
        assert catalog.count("launch-template-version") == 0
