"""Templates as people have them: their sections, their parameters, their order."""

from __future__ import annotations

import json

import pytest

from goldsmith.documents.source import DocumentError
from goldsmith.documents.templates.dependencies import in_order
from goldsmith.documents.templates.parameters import ParameterError, settle
from goldsmith.documents.templates.template import compose_template, is_template, parse_template


def ordered(text):
    template = parse_template(text, "t.yml")
    return [each.id for each in in_order(template, template.resources)]


def test_what_is_referred_to_comes_first_however_it_is_written():
    text = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties: {Recipe: !Sub "${Recipe.Arn}", Infra: !GetAtt [Infra, Arn]}
  Infra:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    DependsOn: Role
    Properties: {Text: !Join ["", [{Ref: Profile}]]}
  Recipe: {Type: AWS::ImageBuilder::ImageRecipe, Properties: {Literal: !Sub "${!Pipeline}"}}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
  Role: {Type: AWS::IAM::Role}
"""
    assert ordered(text) == ["Role", "Profile", "Infra", "Recipe", "Pipeline"]


def test_resources_that_wait_for_each_other_are_told():
    text = "Resources:\n  A: {Type: T, DependsOn: [B]}\n  B: {Type: T, Properties: {x: !Ref A}}\n"
    with pytest.raises(DocumentError, match=r"t.yml:3:3: These resources wait for each other: A → B → A"):
        ordered(text)


def test_a_chain_of_thousands_is_no_trouble():
    lines = [f"  R{n}: {{Type: T, DependsOn: R{n + 1}}}" for n in range(3000)]
    assert ordered("Resources:\n" + "\n".join([*lines, "  R3000: {Type: T}"]))[0] == "R3000"


def test_json_is_the_same():
    template = {
        "Resources": {
            "B": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["A", "Arn"]}}},
            "A": {"Type": "T"},
        }
    }
    assert ordered(json.dumps(template)) == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: {A: {Properties: {}}}", "t.yml:1:13: The resource A has no Type"),
        ("Resources: {A-b: {Type: T}}", "'A-b' may only have letters and digits"),
        ("Resorces: {A: {Type: T}}", "no section 'Resorces'. Did you mean Resources"),
        ("Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: T}}", "Macros are not run here"),
        ("Resources: {A: {Type: T, DependsOn: B}}", "A depends on 'B', and there is none"),
        ("[1]", "A template must be a map"),
        ("Resources: {}", "no Resources"),
    ],
)
def test_faults(text, message):
    with pytest.raises(DocumentError, match=message):
        ordered(text)


def test_what_a_template_is():
    assert is_template(compose_template("Resources: {A: {Type: !Ref B}}", ""))
    assert not is_template(compose_template("imageRecipe: {}", ""))
    assert not is_template(compose_template("Resources: [a]", ""))


def values(parameters, **given):
    text = f"Parameters: {{{parameters}}}\nResources: {{A: {{Type: T, Properties: {{x: !Ref P}}}}}}"
    return settle(parse_template(text, "t.yml"), given, lambda name, _: {"/golden": "ami-1"}[name])


def test_what_nothing_refers_to_is_not_looked_up():
    assert values("Unused: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /not/there}") == {
        "Unused": "/not/there"
    }


@pytest.mark.parametrize(
    ("parameters", "given", "expected"),
    [
        ("P: {Type: String, Default: a}", {}, "a"),
        ("P: {Type: String, Default: a}", {"P": "b"}, "b"),
        ("P: {Type: Number, Default: 007}", {}, "007"),
        ("P: {Type: CommaDelimitedList}", {"P": "a, b"}, ["a", "b"]),
        ("P: {Type: 'List<AWS::EC2::Subnet::Id>'}", {"P": "subnet-1,subnet-2"}, ["subnet-1", "subnet-2"]),
        ("P: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /golden}", {}, "ami-1"),
        ("P: {Type: AWS::EC2::KeyPair::KeyName, Default: ''}", {}, ""),
        (
            "P: {Type: String, AllowedPattern: '(?!x)[a-z]+'}",
            {"P": "look-ahead is not for RE2"},
            "look-ahead is not for RE2",
        ),
    ],
)
def test_parameters(parameters, given, expected):
    assert values(parameters, **given) == {"P": expected}


@pytest.mark.parametrize(
    ("parameters", "given", "message"),
    [
        ("P: {Type: String}", {}, "has no value: give one with --parameter P=VALUE"),
        ("P: {Type: String, AllowedValues: [a, b]}", {"P": "c"}, "must be one of a, b, but is 'c'"),
        ("P: {Type: String, AllowedPattern: '[a-z]+'}", {"P": "A"}, r"must match \[a-z\]\+"),
        ("P: {Type: Number, MinValue: 3}", {"P": "2"}, "must be 3 or more"),
        ("P: {Type: Number, MaxValue: 3}", {"P": "4"}, "must be 3 or less"),
        ("P: {Type: Number}", {"P": "four"}, "must be a number"),
        ("P: {Type: String, MaxLength: 2}", {"P": "abc"}, "must have 2 characters or fewer"),
        ("P: {Type: Strng}", {"P": "a"}, "of a type that there is not"),
        (
            "P: {Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: small letters}",
            {"P": "A"},
            r"\(small letters\)",
        ),
    ],
)
def test_values_that_may_not_be(parameters, given, message):
    with pytest.raises(DocumentError, match=message):
        values(parameters, **given)


def test_a_parameter_that_there_is_not():
    with pytest.raises(ParameterError, match="no parameter Stag") as refused:
        values("Stage: {Type: String, Default: a}", Stag="x")
    assert refused.value.mend == "Did you mean Stage?"


def test_a_pattern_that_would_hang_does_not():
    assert values("P: {Type: String, AllowedPattern: '(a+)+b?c?'}", P="a" * 4000) == {"P": "a" * 4000}
    with pytest.raises(DocumentError, match="must match"):
        values("P: {Type: String, AllowedPattern: '(a|aa)+$'}", P="a" * 60 + "!")
