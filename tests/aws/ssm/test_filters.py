"""Filters of parameters."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ssm(served):
    return served.client("ssm")


def found(ssm, *filters):
    return [each["Name"] for each in ssm.describe_parameters(ParameterFilters=filters)["Parameters"]]


def test_name_and_its_slash_are_one_parameter(ssm):
    name = f"x{uuid.uuid4().hex}"
    ssm.put_parameter(Name=name, Value="v", Type="String")
    for asked in (name, f"/{name}"):
        assert found(ssm, {"Key": "Name", "Values": [asked]}) == [name]
        assert found(ssm, {"Key": "Name", "Option": "BeginsWith", "Values": [asked[:-2]]}) == [name]
    assert found(ssm, {"Key": "Name", "Option": "Contains", "Values": [f"/{name[:-2]}"]}) == [name]
    assert found(ssm, {"Key": "Name", "Option": "Contains", "Values": [f"/{name[1:]}"]}) == []


def test_values_of_tags_and_types_have_beginnings_too(ssm):
    name, value = f"x{uuid.uuid4().hex}", uuid.uuid4().hex
    ssm.put_parameter(Name=name, Value="v", Type="StringList", Tags=[{"Key": "stage", "Value": value}])
    tagged = {"Key": "tag:stage", "Option": "BeginsWith", "Values": [value[:20]]}
    assert found(ssm, tagged, {"Key": "Type", "Option": "BeginsWith", "Values": ["StringL"]}) == [name]
    assert found(ssm, {**tagged, "Option": "Equals"}) == []


@pytest.mark.parametrize(
    ("filters", "code", "told"),
    [
        ([{"Key": "Label", "Values": ["x"]}], "InvalidFilterKey", "include: [Path, Name, Type, KeyId, Tier, DataType]"),
        ([{"Key": "Name"}], "InvalidFilterValue", "values are missing : null for filter key Name"),
        ([{"Key": "Name", "Values": ["a"]}, {"Key": "Name", "Values": ["b"]}], "InvalidFilterKey", "duplicated in the request: Name."),
        ([{"Key": "Path", "Option": "Equals", "Values": ["/a"]}], "InvalidFilterOption", "include: [Recursive, OneLevel]"),
        ([{"Key": "Type", "Values": ["Text"]}], "InvalidFilterValue", "include: [String, StringList, SecureString]"),
        ([{"Key": "Path", "Values": ["/aws/service"]}], "ValidationException", 'prefixed with "aws" or "ssm"'),
        ([{"Key": "Path", "Values": ["//"]}], "ValidationException", "doesn't meet the parameter name requirements"),
        ([{"Key": "Path", "Values": ["a"]}], "ValidationException", "doesn't meet the parameter name requirements"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_told(ssm, filters, code, told):
    with pytest.raises(ClientError) as refused:
        found(ssm, *filters)
    assert refused.value.response["Error"]["Code"] == code
    assert told in refused.value.response["Error"]["Message"]


def test_below_a_path_there_are_other_filters_than_in_lists(ssm, refusal):
    for key in ("tag:stage", "Name", "Tier", "DataType"):
        asked = [{"Key": key, "Values": ["x"]}]
        assert refusal(ssm.get_parameters_by_path, Path="/", ParameterFilters=asked) == "InvalidFilterKey"


def test_a_version_of_a_version_is_no_parameter(ssm, refusal):
    name = f"x{uuid.uuid4().hex}"
    ssm.put_parameter(Name=name, Value="v", Type="String")
    assert refusal(ssm.get_parameter, Name=f"{name}:2:3") == "ParameterNotFound"
    assert refusal(ssm.get_parameter, Name=f"{name}:2") == "ParameterVersionNotFound"
