"""Parameters through boto3."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture
def ssm(served):
    return served.client("ssm")


def fresh(*below: str) -> str:
    return "/".join((f"/t{uuid.uuid4().hex[:12]}", *below))


def names(answer) -> list[str]:
    return [parameter["Name"] for parameter in answer["Parameters"]]


def test_a_parameter_is_put_read_changed_and_removed(ssm, served, refusal):
    name = fresh("db")
    assert ssm.put_parameter(Name=name, Value="one", Type="String")["Version"] == 1
    assert refusal(ssm.put_parameter, Name=name, Value="two", Type="String") == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name=name, Value="two", Overwrite=True)["Version"] == 2
    read = ssm.get_parameter(Name=name)["Parameter"]
    assert (read["Value"], read["Version"], read["Type"], read["DataType"]) == ("two", 2, "String", "text")
    assert read["ARN"] == f"arn:aws:ssm:us-east-1:{served.account_id()}:parameter{name}"
    ssm.delete_parameter(Name=name)
    assert refusal(ssm.get_parameter, Name=name) == "ParameterNotFound"
    assert refusal(ssm.delete_parameter, Name=name) == "ParameterNotFound"


def test_versions_and_labels_are_read_by_their_names(ssm, refusal):
    name = fresh()
    for value in ("one", "two", "three"):
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    labelled = ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["prod", "1st"])
    assert labelled["InvalidLabels"] == ["1st"]
    assert ssm.get_parameter(Name=f"{name}:2")["Parameter"]["Value"] == "two"
    read = ssm.get_parameter(Name=f"{name}:prod")["Parameter"]
    assert (read["Value"], read["Selector"]) == ("one", ":prod")
    ssm.label_parameter_version(Name=name, Labels=["prod"])
    assert ssm.get_parameter(Name=f"{name}:prod")["Parameter"]["Value"] == "three"
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(each["Version"], each["Value"], each["Labels"]) for each in history] == [
        (1, "one", []),
        (2, "two", []),
        (3, "three", ["prod"]),
    ]
    assert ssm.unlabel_parameter_version(Name=name, ParameterVersion=3, Labels=["prod", "x"])["InvalidLabels"] == ["x"]
    for selector in ("prod", "4", "9" * 30):
        assert refusal(ssm.get_parameter, Name=f"{name}:{selector}") == "ParameterVersionNotFound"


def test_secrets_are_sealed_and_shown_to_who_may(ssm, served, refusal):
    name = fresh()
    ssm.put_parameter(Name=name, Value="open sesame", Type="SecureString")
    assert "sesame" not in ssm.get_parameter(Name=name)["Parameter"]["Value"]
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "open sesame"
    assert served.client("ssm", role="launcher").get_parameter(Name=name, WithDecryption=True)
    reader = served.client("ssm", role="reader")
    assert reader.get_parameter(Name=name)
    for method in (reader.get_parameter, reader.get_parameter_history):
        assert refusal(method, Name=name, WithDecryption=True) == "AccessDeniedException"
    for file in served.cloud.home.path.rglob("*"):
        assert not file.is_file() or b"open sesame" not in file.read_bytes(), file


def test_a_path_holds_what_is_below_it(ssm, refusal):
    top = fresh()
    for below in ("a", "b", "deep/c"):
        ssm.put_parameter(Name=f"{top}/{below}", Value=below, Type="String" if below != "b" else "SecureString")
    ssm.put_parameter(Name=f"{top}x", Value="beside", Type="String")
    assert names(ssm.get_parameters_by_path(Path=top)) == [f"{top}/a", f"{top}/b"]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=f"{top}/", Recursive=True, WithDecryption=True, PaginationConfig={"PageSize": 1}
    )
    assert list(pages.search("Parameters[].Value")) == ["a", "b", "deep/c"]
    secret = [{"Key": "Type", "Values": ["SecureString"]}]
    assert names(ssm.get_parameters_by_path(Path=top, ParameterFilters=secret)) == [f"{top}/b"]
    ssm.put_parameter(Name=f"{top}/a", Value="newer", Overwrite=True)
    ssm.label_parameter_version(Name=f"{top}/a", ParameterVersion=1, Labels=["old"])
    labelled = [{"Key": "Label", "Values": ["old"]}]
    found = ssm.get_parameters_by_path(Path=top, ParameterFilters=labelled)["Parameters"]
    assert [each["Value"] for each in found] == ["a"]
    assert refusal(ssm.get_parameters_by_path, Path="nowhere") == "ValidationException"
    wrong = [{"Key": "Colour", "Values": ["red"]}]
    assert refusal(ssm.get_parameters_by_path, Path=top, ParameterFilters=wrong) in {
        "InvalidFilterKey",
        "ValidationException",
    }


def test_lists_show_no_values(ssm):
    top = fresh()
    ssm.put_parameter(Name=f"{top}/a", Value="hidden", Type="String", Description="about", Tier="Advanced")
    ssm.put_parameter(Name=f"{top}/b/c", Value="hidden", Type="StringList")
    below = {"Key": "Name", "Option": "BeginsWith", "Values": [top]}
    [first, second] = ssm.describe_parameters(ParameterFilters=[below])["Parameters"]
    assert (first["Description"], first["Tier"], second["Type"]) == ("about", "Advanced", "StringList")
    assert "hidden" not in str(first)
    one_level = {"Key": "Path", "Option": "OneLevel", "Values": [top]}
    assert names(ssm.describe_parameters(ParameterFilters=[one_level])) == [f"{top}/a"]
    advanced = {"Key": "Tier", "Values": ["Advanced"]}
    assert names(ssm.describe_parameters(ParameterFilters=[below, advanced])) == [f"{top}/a"]
    assert len(ssm.describe_parameters(Filters=[{"Key": "Name", "Values": [top[1:]]}])["Parameters"]) == 2


def test_several_at_once_tell_which_there_are_not(ssm):
    name = fresh()
    ssm.put_parameter(Name=name, Value="x", Type="String")
    read = ssm.get_parameters(Names=[name, "/no/such"])
    assert (names(read), read["InvalidParameters"]) == ([name], ["/no/such"])
    gone = ssm.delete_parameters(Names=[name, "/no/such"])
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == ([name], ["/no/such"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Type": "String", "Value": "x" * 4097}, "ValidationException"),
        ({"Type": "String", "Value": "x" * 8193, "Tier": "Advanced"}, "ValidationException"),
        ({"Type": "String", "Value": ""}, "ValidationException"),
        ({"Value": "x"}, "ValidationException"),
        ({"Type": "String", "Value": "x", "AllowedPattern": "[0-9]+"}, "ParameterPatternMismatchException"),
        ({"Type": "String", "Value": "x", "AllowedPattern": "("}, "InvalidAllowedPatternException"),
        ({"Type": "SecureString", "Value": "x", "KeyId": "mine"}, "InvalidKeyId"),
        ({"Type": "String", "Value": "x", "DataType": "colour"}, "ValidationException"),
        ({"Type": "String", "Value": "x", "DataType": "aws:ec2:image"}, "ValidationException"),
        ({"Type": "String", "Value": "ami-0123456789abcdef0", "DataType": "aws:ec2:image"}, "ValidationException"),
        ({"Type": "String", "Value": "x", "Policies": '[{"Type":"Expiration"}]'}, "IncompatiblePolicyException"),
    ],
)
def test_what_cannot_be_is_refused(ssm, refusal, asked, code):
    assert refusal(ssm.put_parameter, Name=fresh(), **asked) == code


def test_types_and_tiers_do_not_go_back(ssm, refusal):
    name = fresh()
    put = ssm.put_parameter(Name=name, Value="x" * 5000, Type="String", Tier="Intelligent-Tiering")
    assert put["Tier"] == "Advanced"
    lower = refusal(ssm.put_parameter, Name=name, Value="x", Overwrite=True, Tier="Standard")
    assert lower == "ValidationException"
    other = refusal(ssm.put_parameter, Name=name, Value="x", Overwrite=True, Type="SecureString")
    assert other == "HierarchyTypeMismatchException"


def test_a_hundred_versions_are_kept(ssm, refusal):
    name = fresh()
    for number in range(101):
        ssm.put_parameter(Name=name, Value=str(number), Type="String", Overwrite=True)
    history = list(ssm.get_paginator("get_parameter_history").paginate(Name=name).search("Parameters[].Value"))
    assert history == [str(number) for number in range(1, 101)]
    ssm.label_parameter_version(Name=name, ParameterVersion=2, Labels=["keep"])
    refused = refusal(ssm.put_parameter, Name=name, Value="x", Overwrite=True)
    assert refused == "ParameterMaxVersionLimitExceeded"


def test_tags_come_and_go(ssm, refusal):
    name = fresh()
    ssm.put_parameter(Name=name, Value="x", Type="String", Tags=[{"Key": "a", "Value": "1"}])
    where = {"ResourceType": "Parameter", "ResourceId": name}
    ssm.add_tags_to_resource(**where, Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**where, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**where)["TagList"] == [{"Key": "b", "Value": "2"}]
    tagged = [{"Key": "tag:b", "Values": ["2"]}]
    assert name in names(ssm.describe_parameters(ParameterFilters=tagged))
    ssm.put_parameter(Name=name, Value="y", Overwrite=True)
    assert ssm.list_tags_for_resource(**where)["TagList"] == [{"Key": "b", "Value": "2"}]
    nowhere = {"ResourceType": "Parameter", "ResourceId": "/no/such"}
    assert refusal(ssm.list_tags_for_resource, **nowhere) == "InvalidResourceId"


def test_another_accounts_parameter_looks_like_none(ssm, served, refusal):
    name = fresh()
    ssm.put_parameter(Name=name, Value="mine", Type="String")
    arn = ssm.get_parameter(Name=name)["Parameter"]["ARN"]
    theirs = served.client("ssm", account="other")
    for asked in (name, arn, f"{arn}:1"):
        assert refusal(theirs.get_parameter, Name=asked) == "ParameterNotFound"
    assert refusal(theirs.get_parameter_history, Name=arn) == "ParameterNotFound"
    assert refusal(theirs.delete_parameter, Name=arn) == "ParameterNotFound"
    theirs.put_parameter(Name=name, Value="theirs", Type="String")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "mine"
