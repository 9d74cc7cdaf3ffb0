"""Launch templates through boto3: what is stored is what is shown, numbers never return, refusals in AWS's words."""

from __future__ import annotations

import base64
import uuid

import pytest
from botocore.exceptions import ClientError


def name() -> str:
    return f"web-{uuid.uuid4().hex[:12]}"


def code(caught) -> tuple[str, str]:
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def ec2(served):
    return served.client()


DATA = {
    "ImageId": "ami-0123456789abcdef0",
    "InstanceType": "t3.micro",
    "KeyName": "nobody",
    "EbsOptimized": False,
    "UserData": base64.b64encode(b"#!/bin/sh\necho hi\n").decode(),
    "Monitoring": {"Enabled": True},
    "Placement": {"AvailabilityZone": "us-east-1a", "Tenancy": "default"},
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "DeleteOnTermination": True}},
        {"DeviceName": "/dev/sdb", "NoDevice": ""},
    ],
    "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-0123456789abcdef0"], "AssociatePublicIpAddress": True}],
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}],
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
    "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
    "InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.1"}},
    "DisableApiTermination": True,
    "InstanceInitiatedShutdownBehavior": "terminate",
}


def test_data_is_echoed_exactly_as_it_was_given(ec2):
    made = ec2.create_launch_template(LaunchTemplateName=name(), VersionDescription="first", LaunchTemplateData=DATA)
    template = made["LaunchTemplate"]
    assert (template["DefaultVersionNumber"], template["LatestVersionNumber"]) == (1, 1)
    [version] = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert version["LaunchTemplateData"] == DATA
    assert version["VersionDescription"] == "first"
    assert version["DefaultVersion"] is True
    assert version["CreateTime"] == template["CreateTime"]
    assert version["CreatedBy"] == template["CreatedBy"]


def test_what_would_not_launch_now_is_warned_of(ec2):
    made = ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData=DATA)
    assert [fault["Code"] for fault in made["Warning"]["Errors"]] == [
        "InvalidAMIID.NotFound",
        "InvalidGroup.NotFound",
        "InvalidKeyPair.NotFound",
    ]
    assert "Warning" not in ec2.create_launch_template(
        LaunchTemplateName=name(), LaunchTemplateData={"InstanceType": "t3.micro"}
    )


@pytest.mark.parametrize("bad", ["ab", "x" * 129, "name with space", "näme"])
def test_a_malformed_name_is_refused(ec2, bad):
    with pytest.raises(ClientError) as caught:
        ec2.create_launch_template(LaunchTemplateName=bad, LaunchTemplateData={"InstanceType": "t3.micro"})
    assert code(caught) == (
        "InvalidLaunchTemplateName.MalformedException",
        (
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the "
            "following characters: - ( ) . / _."
        ),
    )


def test_a_name_is_taken_once_in_an_account_and_region(served, ec2):
    same = name()
    data = {"InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName=same, LaunchTemplateData=data)
    with pytest.raises(ClientError) as caught:
        ec2.create_launch_template(LaunchTemplateName=same, LaunchTemplateData=data)
    assert code(caught) == (
        "InvalidLaunchTemplateName.AlreadyExistsException",
        "Launch template name already in use.",
    )
    served.client(account="other").create_launch_template(LaunchTemplateName=same, LaunchTemplateData=data)
    served.client(region="eu-west-1").create_launch_template(LaunchTemplateName=same, LaunchTemplateData=data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "MissingParameter"),
        ({"UserData": "not base64!"}, "InvalidUserData.Malformed"),
        ({"UserData": base64.b64encode(b"x" * 16385).decode()}, "InvalidParameterValue"),
        (
            {"InstanceType": "t3.micro", "InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}},
            "InvalidParameterCombination",
        ),
        (
            {"TagSpecifications": [{"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_data_that_no_launch_could_take_is_refused(ec2, data, expected):
    with pytest.raises(ClientError) as caught:
        ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData=data)
    assert code(caught)[0] == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"ImageId": "image"}, "InvalidAMIID.Malformed"),
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "no"}}]},
            "InvalidSnapshotID.Malformed",
        ),
    ],
)
def test_ids_that_lead_nowhere_are_only_warned_of(ec2, data, expected):
    made = ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData=data)
    assert [fault["Code"] for fault in made["Warning"]["Errors"]] == [expected]


def test_empty_user_data_is_data_too(ec2):
    made = ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData={"UserData": ""})
    [version] = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplate"]["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert version["LaunchTemplateData"] == {"UserData": ""}


def test_tags_and_filters(ec2):
    first, second = name(), name()
    for each, role in ((first, "web"), (second, "database")):
        ec2.create_launch_template(
            LaunchTemplateName=each,
            LaunchTemplateData={"InstanceType": "t3.micro"},
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": first, "Value": role}]}],
        )

    def names(**asked) -> list[str]:
        return [each["LaunchTemplateName"] for each in ec2.describe_launch_templates(**asked)["LaunchTemplates"]]

    assert names(Filters=[{"Name": f"tag:{first}", "Values": ["web"]}]) == [first]
    assert names(Filters=[{"Name": "tag-key", "Values": [first]}]) == [first, second]
    assert names(Filters=[{"Name": "launch-template-name", "Values": [second[:-1] + "?"]}]) == [second]
    assert names(LaunchTemplateNames=[second, first]) == [first, second]
    page = ec2.describe_launch_templates(MaxResults=1, Filters=[{"Name": "tag-key", "Values": [first]}])
    assert [each["LaunchTemplateName"] for each in page["LaunchTemplates"]] == [first]
    assert names(Filters=[{"Name": "tag-key", "Values": [first]}], NextToken=page["NextToken"]) == [second]
    with pytest.raises(ClientError) as caught:
        ec2.create_launch_template(
            LaunchTemplateName=name(),
            LaunchTemplateData={"InstanceType": "t3.micro"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        )
    assert code(caught) == (
        "InvalidParameterValue",
        "'instance' is not a valid taggable resource type for this operation.",
    )


def test_unknown_templates_are_told_in_the_words_of_each_operation(served, ec2):
    theirs = served.client(account="other").create_launch_template(
        LaunchTemplateName=name(), LaunchTemplateData={"InstanceType": "t3.micro"}
    )["LaunchTemplate"]
    missing = (
        "InvalidLaunchTemplateId.NotFound",
        "The specified launch template, with template ID {}, does not exist.",
    )
    for ask in (
        lambda which: ec2.describe_launch_templates(LaunchTemplateIds=[which]),
        lambda which: ec2.describe_launch_template_versions(LaunchTemplateId=which),
        lambda which: ec2.delete_launch_template(LaunchTemplateId=which),
        lambda which: ec2.modify_launch_template(LaunchTemplateId=which, DefaultVersion="1"),
        lambda which: ec2.create_launch_template_version(
            LaunchTemplateId=which, LaunchTemplateData={"InstanceType": "t3.micro"}
        ),
    ):
        for which in ("lt-0123456789abcdef0", theirs["LaunchTemplateId"]):
            with pytest.raises(ClientError) as caught:
                ask(which)
            assert code(caught) == (missing[0], missing[1].format(which))
        with pytest.raises(ClientError) as caught:
            ask("nonsense")
        assert code(caught)[0] == "InvalidLaunchTemplateId.Malformed"
    for asked in (
        lambda: ec2.describe_launch_templates(LaunchTemplateNames=[theirs["LaunchTemplateName"]]),
        lambda: ec2.delete_launch_template(LaunchTemplateName=theirs["LaunchTemplateName"]),
    ):
        with pytest.raises(ClientError) as caught:
            asked()
        assert code(caught) == (
            "InvalidLaunchTemplateName.NotFoundException",
            "At least one of the launch templates specified in the request does not exist.",
        )
    with pytest.raises(ClientError) as caught:
        ec2.describe_launch_template_versions(LaunchTemplateName="nothing")
    assert code(caught) == (
        "InvalidLaunchTemplateName.NotFoundException",
        "The specified launch template, with template name nothing, does not exist.",
    )


def test_modifying_makes_another_version_the_default(ec2):
    template = ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData={"InstanceType": "t3.micro"})[
        "LaunchTemplate"
    ]
    whose = {"LaunchTemplateId": template["LaunchTemplateId"]}
    ec2.create_launch_template_version(**whose, LaunchTemplateData={"InstanceType": "t3.small"})
    changed = ec2.modify_launch_template(LaunchTemplateName=template["LaunchTemplateName"], DefaultVersion="2")
    assert changed["LaunchTemplate"]["DefaultVersionNumber"] == 2
    ec2.modify_launch_template(**whose, DefaultVersion="1")
    assert ec2.modify_launch_template(**whose, DefaultVersion="$Latest")["LaunchTemplate"]["DefaultVersionNumber"] == 2
    for wrong, expected in (
        (
            {**whose, "DefaultVersion": "9"},
            (
                "InvalidLaunchTemplateId.VersionNotFound",
                "The launch template version 9 is not found for the specified launch template.",
            ),
        ),
        (
            {**whose, "LaunchTemplateName": "both", "DefaultVersion": "1"},
            (
                "InvalidParameterCombination",
                "Either provide launch template ID or launch template name to modify the template.",
            ),
        ),
        (
            {"DefaultVersion": "1"},
            (
                "MissingParameter",
                "The request must contain the parameter launch template ID or launch template name",
            ),
        ),
    ):
        with pytest.raises(ClientError) as caught:
            ec2.modify_launch_template(**wrong)
        assert code(caught) == expected


def test_deleting_frees_the_name_and_takes_all_versions(ec2):
    same = name()
    first = ec2.create_launch_template(LaunchTemplateName=same, LaunchTemplateData={"InstanceType": "t3.micro"})
    identifier = first["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=identifier, LaunchTemplateData={"InstanceType": "t3.small"})
    gone = ec2.delete_launch_template(LaunchTemplateName=same)["LaunchTemplate"]
    assert (gone["LaunchTemplateId"], gone["LatestVersionNumber"]) == (identifier, 2)
    again = ec2.create_launch_template(LaunchTemplateName=same, LaunchTemplateData={"InstanceType": "t3.micro"})
    assert again["LaunchTemplate"]["LatestVersionNumber"] == 1
    assert again["LaunchTemplate"]["LaunchTemplateId"] != identifier


def test_a_reader_may_look_and_no_more(served, ec2):
    same = name()
    ec2.create_launch_template(LaunchTemplateName=same, LaunchTemplateData={"InstanceType": "t3.micro"})
    reader = served.client(role="reader")
    assert len(reader.describe_launch_templates(LaunchTemplateNames=[same])["LaunchTemplates"]) == 1
    with pytest.raises(ClientError) as caught:
        reader.delete_launch_template(LaunchTemplateName=same)
    assert code(caught)[0] == "UnauthorizedOperation"


def test_a_client_token_makes_one_template(ec2):
    asked = {
        "ClientToken": uuid.uuid4().hex,
        "LaunchTemplateName": name(),
        "LaunchTemplateData": {"InstanceType": "t3.micro"},
    }
    assert (
        ec2.create_launch_template(**asked)["LaunchTemplate"] == ec2.create_launch_template(**asked)["LaunchTemplate"]
    )


def test_nobody_hands_instances_more_than_they_have(served):
    iam, admin = served.client("iam", account="powers"), served.client(account="powers")
    policy = '{"Version": "2012-10-17", "Statement": []}'
    tags = [{"Key": "goldsmith:role", "Value": "admin"}]
    iam.create_role(RoleName="mighty", AssumeRolePolicyDocument=policy, Tags=tags)
    iam.create_instance_profile(InstanceProfileName="mighty")
    iam.add_role_to_instance_profile(InstanceProfileName="mighty", RoleName="mighty")
    data = {"InstanceType": "t3.nano", "IamInstanceProfile": {"Name": "mighty"}}
    launcher = served.client(account="powers", role="launcher")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        launcher.create_launch_template(LaunchTemplateName="reach", LaunchTemplateData=data)
    admin.create_launch_template(LaunchTemplateName="given", LaunchTemplateData=data)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        launcher.create_launch_template_version(
            LaunchTemplateName="given", SourceVersion="1", LaunchTemplateData={"KeyName": "mine"}
        )
