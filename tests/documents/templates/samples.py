"""Templates for the tests, and what works them out."""

from __future__ import annotations

from goldsmith.documents.templates.conditions import settle_conditions
from goldsmith.documents.templates.functions import work_out
from goldsmith.documents.templates.parameters import settle
from goldsmith.documents.templates.scope import Identity, Place, Scope
from goldsmith.documents.templates.template import parse_template

PLACE = Place("123456789012", "eu-west-1", "stack", ("eu-west-1a", "eu-west-1b"))
RECIPE = "arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/web/1.0.0"

SAMPLE = """\
Parameters:
  Stage: {Type: String, Default: dev}
  Names: {Type: CommaDelimitedList, Default: "a, b,c"}
Mappings:
  Sizes:
    dev: {type: t3.small, list: [x, y]}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: !Not [!Condition IsDev]
  Both: !And [!Condition IsDev, !Condition IsProd]
  Either: !Or [!Condition IsDev, !Condition IsProd]
Resources:
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Value: %s
"""


def scope_of(text, given=None, stored=lambda name, _: f"ami-{name}"):
    template = parse_template(text, "t.yml")
    identities = {"Recipe": Identity(RECIPE, {"Arn": RECIPE, "LatestVersion.Minor": f"{RECIPE[:-1]}x"})}
    parameters = settle(template, given or {}, stored)
    return settle_conditions(Scope(template, PLACE, parameters, identities.__getitem__))


def value_of(expression, **given):
    scope = scope_of(SAMPLE % expression, given)
    node = scope.template.resources["Recipe"].properties.entries["Value"].node
    return work_out(node, scope)
