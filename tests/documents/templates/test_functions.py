"""Intrinsic functions, in both forms, and what each refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.documents.source import DocumentError
from goldsmith.documents.templates.values import NO_VALUE

from .samples import RECIPE, SAMPLE, scope_of, value_of


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Stage", "dev"),
        ("{Ref: Stage}", "dev"),
        ("!Ref Names", ["a", "b", "c"]),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref AWS::StackName", "stack"),
        ("!Ref Recipe", RECIPE),
        ("!GetAtt Recipe.Arn", RECIPE),
        ("!GetAtt [Recipe, Arn]", RECIPE),
        ("!GetAtt Recipe.LatestVersion.Minor", f"{RECIPE[:-1]}x"),
        ("{'Fn::GetAtt': [Recipe, LatestVersion.Minor]}", f"{RECIPE[:-1]}x"),
        ("!Sub '${Stage}-${AWS::Region}'", "dev-eu-west-1"),
        ("!Sub '${Recipe.Arn}'", RECIPE),
        ("!Sub '${!Literal} $HOME {{ imagebuilder:buildDate }}'", "${Literal} $HOME {{ imagebuilder:buildDate }}"),
        ("!Sub ['${Stage}/${Other}', {Other: !Ref Stage}]", "dev/dev"),
        ("!Join ['-', [a, !Ref Stage, c]]", "a-dev-c"),
        ("!Join ['-', !Ref Names]", "a-b-c"),
        ("!Select [1, !Ref Names]", "b"),
        ("!Select [0, !GetAZs '']", "eu-west-1a"),
        ("!Split ['/', a/b/c]", ["a", "b", "c"]),
        ("!Select [5, !Split ['/', !Ref Recipe]]", None),
        ("!FindInMap [Sizes, !Ref Stage, type]", "t3.small"),
        ("!FindInMap [Sizes, dev, list]", ["x", "y"]),
        ("!FindInMap [Sizes, prod, type, {DefaultValue: none}]", "none"),
        ("!If [IsDev, yes it is, no]", "yes it is"),
        ("!If [IsProd, yes it is, no]", "no"),
        ("!If [Either, one, two]", "one"),
        ("!If [Both, one, two]", "two"),
        ("!Base64 hello", "aGVsbG8="),
        ("{'Fn::Base64': !Sub 'x${Stage}'}", "eGRldg=="),
        ("012345678901", "012345678901"),
        ("1.10", "1.10"),
        ("2012-10-17", "2012-10-17"),
        ("!Ref AWS::NoValue", NO_VALUE),
        ("[a, !Ref AWS::NoValue, b]", ["a", "b"]),
        ("{a: 1, b: !Ref AWS::NoValue}", {"a": "1"}),
        ("{Condition: {StringEquals: {a: b}}}", {"Condition": {"StringEquals": {"a": "b"}}}),
        ("{'Fn::Length': !Ref Names}", "3"),
        ("{'Fn::ToJsonString': {a: [!Ref Stage]}}", '{"a":["dev"]}'),
    ],
)
def test_values(expression, value):
    if value is None:
        with pytest.raises(DocumentError, match="no number 5"):
            value_of(expression)
    else:
        assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("!Ref Stge", r"t.yml:16:14: Nothing here is called 'Stge'\. Did you mean Stage\?"),
        ("!GetAtt Recipe.Anr", "AWS::ImageBuilder::ImageRecipe has no attribute 'Anr' here"),
        ("!Sub '${Nobody}'", "Nothing here is called 'Nobody'"),
        ("!Sub '${Names.x}'", "Nothing here is called 'Names'"),
        ("!Join [a]", "Fn::Join takes a list of 2"),
        ("!Join [a, b]", "Fn::Join takes a list"),
        ("!FindInMap [Sizes, prod, type]", "The mappings have no 'prod' there"),
        ("!If [IsDevv, a, b]", "There is no condition 'IsDevv' that could be used here. Did you mean IsDev"),
        ("!ImportValue other", "there are no stacks here: make it a parameter"),
        ("{'Fn::Joinn': [a, [b]]}", "Fn::Joinn cannot be worked out here. Did you mean Fn::Join"),
        ("!GetAtt Recipe", "Fn::GetAtt takes a resource and an attribute"),
        ("!Split ['', abc]", "delimiter that is not empty"),
        ("!Reff Stage", "The tag !Reff means nothing here"),
    ],
)
def test_what_cannot_be_worked_out_is_told_with_its_place(expression, message):
    with pytest.raises(DocumentError, match=message):
        value_of(expression)


def test_functions_in_functions_cannot_fill_memory():
    bomb = "!Sub ['${a}${a}${a}${a}', {a: " * 18 + "aaaaaaaa" + "}]" * 18
    with pytest.raises(DocumentError, match="more than 1048576 characters"):
        value_of(bomb)


def test_conditions_that_wait_for_each_other():
    text = SAMPLE.replace("  Both:", "  One: !Not [!Condition Two]\n  Two: !Not [!Condition One]\n  Both:") % "x"
    with pytest.raises(DocumentError, match="wait for each other: One → Two → One"):
        scope_of(text)


def test_a_long_chain_of_conditions_is_refused_in_words():
    chain = "".join(f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(300)) + "  C300: !Equals [a, a]\n"
    with pytest.raises(DocumentError, match="More than 100 conditions"):
        scope_of(SAMPLE.replace("  Both:", f"{chain}  Both:") % "x")


@given(
    st.recursive(
        st.sampled_from(["!Ref Stage", "x", "!Ref Nobody", "!Sub '${Stage}${'", "~"]),
        lambda inner: st.builds(
            lambda name, items: f"{{'Fn::{name}': [{', '.join(items)}]}}",
            st.sampled_from(["Join", "Select", "Split", "If", "Sub", "FindInMap", "GetAtt", "And", "Base64", "Equals"]),
            st.lists(inner, max_size=3),
        ),
        max_leaves=12,
    )
)
def test_whatever_is_nested_gives_a_value_or_faults(expression):
    try:
        json.dumps(value_of(expression), default=repr)
    except DocumentError as refused:
        places = {fault.mark.file for fault in refused.faults}
    else:
        return
    assert places == {"t.yml"}
