"""Infrastructure and distribution configurations: replaced whole by updates, kept while a pipeline names them."""

from __future__ import annotations

import pytest

from tests.aws.imagebuilder.test_recipes import told

FULL = {
    "description": "all of it",
    "instanceTypes": ["t3.micro", "t3.nano"],
    "instanceProfileName": "builder",
    "securityGroupIds": ["sg-0123456789abcdef0"],
    "subnetId": "subnet-0123456789abcdef0",
    "logging": {"s3Logs": {"s3BucketName": "logs", "s3KeyPrefix": "builds"}},
    "keyPair": "key",
    "terminateInstanceOnFailure": False,
    "terminateInstanceOnCompletion": False,
    "snsTopicArn": "arn:aws:sns:us-east-1:123456789012:topic",
    "resourceTags": {"team": "web"},
    "instanceMetadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    "placement": {"tenancy": "default", "availabilityZone": "us-east-1a"},
    "parentInstance": {"autoScalingGroup": {"name": "warm", "capacityWaitTimeoutSeconds": 60}},
}
OUT = {"region": "us-east-1", "amiDistributionConfiguration": {"name": "web {{ imagebuilder:buildDate }}"}}


def infrastructure(builder, name, **more):
    more.setdefault("instanceProfileName", "builder")
    return builder.create_infrastructure_configuration(name=name, **more)["infrastructureConfigurationArn"]


def distribution(builder, name, *distributions, **more):
    made = builder.create_distribution_configuration(name=name, distributions=list(distributions or (OUT,)), **more)
    return made["distributionConfigurationArn"]


def test_all_of_an_infrastructure_comes_back(builder):
    arn = infrastructure(builder, "full", tags={"a": "b"}, **FULL)
    got = builder.get_infrastructure_configuration(infrastructureConfigurationArn=arn)["infrastructureConfiguration"]
    assert {name: got[name] for name in FULL} == FULL
    assert got["tags"] == {"a": "b"}
    assert got["dateCreated"] == got["dateUpdated"]


def test_an_update_replaces_everything_but_name_tags_and_date(builder):
    arn = infrastructure(builder, "replaced", tags={"a": "b"}, **FULL)
    before = builder.get_infrastructure_configuration(infrastructureConfigurationArn=arn)
    updated = builder.update_infrastructure_configuration(
        infrastructureConfigurationArn=arn, instanceProfileName="another", clientToken="t-replace"
    )
    assert updated["infrastructureConfigurationArn"] == arn
    assert updated["clientToken"] == "t-replace"
    got = builder.get_infrastructure_configuration(infrastructureConfigurationArn=arn)["infrastructureConfiguration"]
    assert set(got) == {
        "arn", "name", "instanceProfileName", "terminateInstanceOnFailure", "terminateInstanceOnCompletion",
        "dateCreated", "dateUpdated", "tags",
    }  # fmt: skip
    assert got["terminateInstanceOnFailure"] is True
    assert got["instanceProfileName"] == "another"
    assert got["tags"] == {"a": "b"}
    assert got["dateCreated"] == before["infrastructureConfiguration"]["dateCreated"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"instanceProfileName": ""},
        {"instanceProfileName": "has spaces"},
        {"instanceProfileName": "x" * 257},
        {"subnetId": "subnet-1"},
        {"snsTopicArn": "arn:aws:sqs:us-east-1:123456789012:queue"},
        {"resourceTags": {"Name": "x"}},
        {"resourceTags": {"CreatedBy": "x"}},
        {"resourceTags": {f"k{number}": "v" for number in range(31)}},
        {"instanceMetadataOptions": {"httpPutResponseHopLimit": 65}},
        {"instanceMetadataOptions": {"httpTokens": "never"}},
        {"placement": {"tenancy": "shared"}},
        {"placement": {"hostId": "h-1", "hostResourceGroupArn": "arn:aws:resource-groups:us-east-1:1:group/x"}},
        {"parentInstance": {"autoScalingGroup": {"name": "x", "capacityWaitTimeoutSeconds": 3601}}},
    ],
    ids=str,
)
def test_an_infrastructure_out_of_bounds_is_refused(builder, refusal, wrong):
    asked = {"name": "bounds", "instanceProfileName": "builder", **wrong}
    assert refusal(builder.create_infrastructure_configuration, **asked) == "InvalidRequestException"
    arn = infrastructure(builder, f"bounds {abs(hash(str(wrong)))}")
    asked = {"infrastructureConfigurationArn": arn, "instanceProfileName": "builder", **wrong}
    assert refusal(builder.update_infrastructure_configuration, **asked) == "InvalidRequestException"


def test_names_that_make_one_arn_are_one_configuration(builder):
    arn = infrastructure(builder, "One Name")
    code, said = told(infrastructure, builder, "one_name")
    assert code == "ResourceAlreadyExistsException"
    assert arn in said
    assert "'InfrastructureConfiguration'" in said
    arn = distribution(builder, "One Name")
    assert told(distribution, builder, "one-name")[0] == "ResourceAlreadyExistsException"


def test_a_distribution_has_a_timeout_that_nobody_sets_and_a_summary_its_regions(builder):
    arn = distribution(builder, "timed", OUT, {"region": "us-west-2", "ssmParameterConfigurations": [{"parameterName": "/a"}]})  # fmt: skip
    got = builder.get_distribution_configuration(distributionConfigurationArn=arn)["distributionConfiguration"]
    assert got["timeoutMinutes"] == 720
    rows = builder.list_distribution_configurations(filters=[{"name": "name", "values": ["timed"]}])
    assert rows["distributionConfigurationSummaryList"][0]["regions"] == ["us-east-1", "us-west-2"]
    builder.update_distribution_configuration(distributionConfigurationArn=arn, distributions=[OUT], description="new")
    got = builder.get_distribution_configuration(distributionConfigurationArn=arn)["distributionConfiguration"]
    assert got["distributions"] == [OUT]
    rows = builder.list_distribution_configurations(filters=[{"name": "name", "values": ["timed"]}])
    assert rows["distributionConfigurationSummaryList"][0]["regions"] == ["us-east-1"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ([{"region": "us-east-1"}], "distributions[0]"),
        ([OUT, OUT], "distributions[1].region"),
        ([{**OUT, "region": "mars-north-1"}], "distributions[0].region"),
        ([{"region": "us-east-1", "amiDistributionConfiguration": {"name": "always the same"}}], "name"),
        (
            [{"region": "us-east-1", "amiDistributionConfiguration": {"launchPermission": {"userIds": ["1"]}}}],
            "userIds",
        ),
        ([{"region": "us-east-1", "launchTemplateConfigurations": [{"launchTemplateId": "lt-1"}]}], "launchTemplateId"),
        ([{"amiDistributionConfiguration": {}}], "region"),
        ([{"region": "us-east-1", "ssmParameterConfigurations": [{"parameterName": "has space"}]}], "parameterName"),
        ([{"region": "us-east-1", "amiDistributionConfiguration": {"amiTags": {"aws:x": "y"}}}], "amiTags"),
    ],
    ids=str,
)
def test_a_distribution_out_of_bounds_is_refused_at_its_place(builder, wrong, path):
    code, said = told(distribution, builder, "refused", *wrong)
    assert code == "InvalidRequestException"
    assert path in said.partition("' is not valid")[0]


def test_what_a_pipeline_names_is_kept(builder, parts):
    made = {**parts(builder, "kept"), "distributionConfigurationArn": distribution(builder, "kept")}
    pipeline = builder.create_image_pipeline(name="keeps", **made)["imagePipelineArn"]
    for noun in ("infrastructure", "distribution"):
        member = f"{noun}ConfigurationArn"
        code, said = told(getattr(builder, f"delete_{noun}_configuration"), **{member: made[member]})
        assert code == "ResourceDependencyException"
        assert pipeline in said
    builder.delete_image_pipeline(imagePipelineArn=pipeline)
    for noun in ("infrastructure", "distribution"):
        member = f"{noun}ConfigurationArn"
        assert getattr(builder, f"delete_{noun}_configuration")(**{member: made[member]})[member] == made[member]
        assert told(getattr(builder, f"get_{noun}_configuration"), **{member: made[member]})[0] == "ResourceNotFoundException"  # fmt: skip


def test_a_policy_s_times_are_numbers_and_its_type_stays(builder):
    detail = {"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 3}}
    asked = {
        "executionRole": "lifecycle",
        "resourceType": "AMI_IMAGE",
        "policyDetails": [detail],
        "resourceSelection": {"tagMap": {"team": "web"}},
    }
    made = builder.create_lifecycle_policy(name="Tidy Up", status="DISABLED", description="d", **asked)
    arn = made["lifecyclePolicyArn"]
    assert arn.endswith("lifecycle-policy/tidy-up")
    policy = builder.get_lifecycle_policy(lifecyclePolicyArn=arn)["lifecyclePolicy"]
    assert policy["status"] == "DISABLED"
    assert policy["dateCreated"] == policy["dateUpdated"]
    builder.update_lifecycle_policy(lifecyclePolicyArn=arn, **asked)
    policy = builder.get_lifecycle_policy(lifecyclePolicyArn=arn)["lifecyclePolicy"]
    assert policy["status"] == "ENABLED"
    assert "description" not in policy
    code, _ = told(builder.update_lifecycle_policy, lifecyclePolicyArn=arn, **{**asked, "resourceType": "CONTAINER_IMAGE"})  # fmt: skip
    assert code == "InvalidParameterCombinationException"
    rows = builder.list_lifecycle_policies(filters=[{"name": "status", "values": ["ENABLED"]}])
    assert [each["arn"] for each in rows["lifecyclePolicySummaryList"]] == [arn]
    builder.delete_lifecycle_policy(lifecyclePolicyArn=arn)


@pytest.mark.parametrize(
    "wrong",
    [
        {"policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "AGE", "value": 3}}]},
        {"policyDetails": [{"action": {"type": "DISABLE"}, "filter": {"type": "COUNT", "value": 3}}]},
        {"policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 1001}}]},
        {"policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 3}}] * 2},
        {"resourceSelection": {}},
        {"resourceSelection": {"tagMap": {"a": "b"}, "recipes": [{"name": "abc", "semanticVersion": "x.x.x"}]}},
        {"resourceSelection": {"recipes": [{"name": "abc", "semanticVersion": "x.1.x"}]}},
        {"executionRole": "AWSServiceRoleForImageBuilder"},
        {"policyDetails": []},
    ],
    ids=str,
)
def test_a_policy_that_does_not_fit_together_is_refused(builder, refusal, wrong):
    asked = {
        "name": "refused",
        "executionRole": "lifecycle",
        "resourceType": "AMI_IMAGE",
        "policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 3}}],
        "resourceSelection": {"tagMap": {"team": "web"}},
        **wrong,
    }
    assert refusal(builder.create_lifecycle_policy, **asked) == "InvalidRequestException"
