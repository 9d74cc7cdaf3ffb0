"""Resource policies: what they share is read, by those whom they name, and by nobody else."""

from __future__ import annotations

import json

import pytest

from tests.aws.imagebuilder.documents import COMPONENT, POLICY
from tests.aws.imagebuilder.test_recipes import component, container, make, told


def test_recipes_are_shared_with_all_that_lists_show(builder, of_account, served):
    partner, reader = of_account("partner"), served.account_id("partner")
    recipes = {
        "image": make(builder, "shared recipe", tags={"mine": "alone"}),
        "container": container(builder, "shared recipe"),
    }
    for kind, arn in recipes.items():
        member = f"{kind}RecipeArn"
        policy = POLICY % reader
        put, get = (getattr(builder, f"{verb}_{kind}_recipe_policy") for verb in ("put", "get"))
        assert told(get, **{member: arn})[0] == "ResourceNotFoundException"
        assert told(getattr(partner, f"get_{kind}_recipe"), **{member: arn})[0] == "ResourceNotFoundException"
        assert put(**{member: arn}, policy=policy)[member] == arn
        assert get(**{member: arn})["policy"] == policy
        got = getattr(partner, f"get_{kind}_recipe")(**{member: arn.replace("1.0.0", "x.x.x")})[f"{kind}Recipe"]
        assert (got["arn"], got["owner"], got["tags"]) == (arn, served.account_id(), {})
        rows = getattr(partner, f"list_{kind}_recipes")(owner="Shared")[f"{kind}RecipeSummaryList"]
        assert [row["arn"] for row in rows] == [arn]
        assert told(getattr(partner, f"delete_{kind}_recipe"), **{member: arn})[0] == "ResourceNotFoundException"
        code, said = told(getattr(builder, f"delete_{kind}_recipe"), **{member: arn})
        assert code == "ResourceDependencyException"
        assert reader in said
        put(**{member: arn}, policy=POLICY % "999999999999")
        assert told(getattr(partner, f"get_{kind}_recipe"), **{member: arn})[0] == "ResourceNotFoundException"


def test_one_build_s_policy_leaves_the_other_s(builder, of_account, served):
    partner = of_account("partner")
    first = component(builder, "two builds")
    second = component(builder, "two builds", data=COMPONENT.replace("hello", "bye"))
    for arn in (first, second):
        builder.put_component_policy(componentArn=arn, policy=POLICY % served.account_id("partner"))
    builder.put_component_policy(componentArn=first, policy=POLICY % "999999999999")
    named = [{"name": "name", "values": ["two builds"]}]
    assert told(partner.get_component, componentBuildVersionArn=first)[0] == "ResourceNotFoundException"
    assert partner.get_component(componentBuildVersionArn=second)["component"]["arn"] == second
    assert len(partner.list_components(owner="Shared", filters=named)["componentVersionList"]) == 1
    builder.put_component_policy(componentArn=second, policy=POLICY % "999999999999")
    assert partner.list_components(owner="Shared", filters=named)["componentVersionList"] == []


def test_a_policy_may_share_with_everybody_and_with_an_organisation(builder, of_account):
    arn = make(builder, "public recipe")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "imagebuilder:GetImageRecipe", "Resource": arn}
    builder.put_image_recipe_policy(imageRecipeArn=arn, policy=json.dumps({"Statement": statement}))
    assert of_account("anybody").get_image_recipe(imageRecipeArn=arn)["imageRecipe"]["arn"] == arn
    unit = "arn:aws:organizations::111122223333:organization/o-exampleorg1"
    statement["Principal"] = {"AWS": unit}
    builder.put_image_recipe_policy(imageRecipeArn=arn, policy=json.dumps({"Statement": [statement]}))
    assert told(of_account("anybody").get_image_recipe, imageRecipeArn=arn)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "policy",
    [
        "[]",
        "null",
        "[" * 900,
        '{"Statement":[]',
        '{"Statement":[{"Effect":"Allow"}]}',
        '{"Statement":[{"Effect":"Allow","Principal":7,"Action":"imagebuilder:Get*"}]}',
        '{"Statement":[{"Effect":"Allow","Principal":{"AWS":[7]},"Action":"imagebuilder:Get*"}]}',
        '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"1"},"Action":"imagebuilder:Get*"}]}',
        '{"Statement":[{"Effect":"Allow","Principal":"*","Action":["ec2:*"]}]}',
        '{"Statement":[{"Effect":"Allow","Principal":"*","Action":[{}]}]}',
        '{"Statement":"all"}',
        '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"imagebuilder:Get*"}]}',
    ],
    ids=lambda text: text[:70],
)
def test_what_is_no_policy_is_refused(builder, refusal, policy):
    arn = make(builder, "policed", "1.x.x")
    asked = {"imageRecipeArn": arn, "policy": policy}
    assert refusal(builder.put_image_recipe_policy, **asked) == "InvalidParameterValueException"


def test_a_policy_has_30000_characters(builder, refusal):
    arn = make(builder, "long", "1.x.x")
    asked = {"imageRecipeArn": arn, "policy": "x" * 30_001}
    assert refusal(builder.put_image_recipe_policy, **asked) == "InvalidParameterValueException"


def test_what_is_not_there_or_the_house_s_has_no_policy(builder):
    for account in ("123456789012", "aws"):
        arn = f"arn:aws:imagebuilder:us-east-1:{account}:component/nginx/1.0.0/1"
        asked = {"componentArn": arn, "policy": POLICY % "123456789012"}
        assert told(builder.put_component_policy, **asked)[0] == "ResourceNotFoundException"
        assert told(builder.get_component_policy, componentArn=arn)[0] == "ResourceNotFoundException"
