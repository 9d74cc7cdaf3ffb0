"""What the models do not allow, in each service's words."""

from __future__ import annotations

import pytest

from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import find_operation
from goldsmith.aws.validation import validate


def refused(service, operation, **parameters):
    with pytest.raises(AwsError) as caught:
        validate(find_operation(service, operation), parameters)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("GetConsoleOutput", {}, "The request must contain the parameter InstanceId"),
        ("GetConsoleOutput", {"InstanceId": ""}, "The request must contain the parameter InstanceId"),
        (
            "CreateSecurityGroup",
            {"GroupName": "a", "Description": ""},
            "The request must contain the parameter GroupDescription",
        ),
    ],
)
def test_ec2_misses_what_is_empty(operation, parameters, told):
    assert refused("ec2", operation, **parameters) == ("MissingParameter", told)


def test_ec2_wants_instances():
    assert refused("ec2", "TerminateInstances") == ("InvalidParameterCombination", "No instances specified")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"MaxResults": 3}, "The value 3 of parameter MaxResults is invalid. Expecting at least 5."),
        ({"MaxResults": 1001}, "The value 1001 of parameter MaxResults is invalid. Expecting at most 1000."),
    ],
)
def test_ec2_tells_the_bounds(asked, told):
    assert refused("ec2", "DescribeSecurityGroups", **asked) == ("InvalidParameterValue", told)


def test_ec2_tells_one_fault_and_the_others_tell_all():
    tags = [{"ResourceType": "instance", "Tags": []}]
    code, told = refused("ec2", "CreateKeyPair", KeyName="k", KeyType="dsa", KeyFormat="doc", TagSpecifications=tags)
    assert (code, told.count("invalid")) == ("InvalidParameterValue", 1)
    code, told = refused("ssm", "PutParameter", Name="", Value="v", Type="Text")
    assert code == "ValidationException"
    assert told == (
        "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1; Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum "
        "value set: [String, StringList, SecureString]"
    )


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "told"),
    [
        ("ssm", "GetParameter", {}, "ValidationException", "Value null at 'name' failed to satisfy constraint: Member must not be null"),
        ("ssm", "GetParameterHistory", {"Name": "n", "MaxResults": 51}, "ValidationException", "Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50"),
        ("ssm", "GetParameters", {"Names": [*"abcdefghijk"]}, "ValidationException", "Value '[a, b, c, d, e, f, g, h, i, j, k]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 10"),
        ("ssm", "LabelParameterVersion", {"Name": "n", "Labels": ["x" * 101]}, "ValidationException", f"Value '[{'x' * 101}]' at 'labels' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 100, Member must have length greater than or equal to 1]"),
        ("ssm", "DescribeParameters", {"ParameterFilters": [{"Key": "colour"}]}, "ValidationException", "Value 'colour' at 'parameterFilters.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType)$"),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "one:two"}, "ValidationError", r"Value 'one:two' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*"),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "s" * 65}, "ValidationError", f"Value '{'s' * 65}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
    ],
)  # fmt: skip
def test_other_services_say_it_as_they_all_do(service, operation, parameters, code, told):
    assert refused(service, operation, **parameters) == (code, f"1 validation error detected: {told}")
