"""A CloudFormation template as the resources that it wants of Image Builder and of the house, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from goldsmith.aws.models import service_model
from goldsmith.cli.applying.change import Wanted
from goldsmith.cli.applying.left_out import stand_in
from goldsmith.cli.here import RefusedError
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.conditions import settle_conditions
from goldsmith.documents.templates.dependencies import in_order, named_resources, needs
from goldsmith.documents.templates.functions import work_out
from goldsmith.documents.templates.parameters import settle
from goldsmith.documents.templates.properties import as_parameters
from goldsmith.documents.templates.scope import Identity, Place, Scope
from goldsmith.documents.templates.template import parse_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape

    from goldsmith.cli.applying.change import Known
    from goldsmith.cli.applying.sources import Source
    from goldsmith.cli.here import Here
    from goldsmith.documents.templates.template import Declaration, Template

IMAGE_BUILDER = {
    "Component": "component",
    "ContainerRecipe": "container-recipe",
    "DistributionConfiguration": "distribution-configuration",
    "Image": "image",
    "ImagePipeline": "image-pipeline",
    "ImageRecipe": "image-recipe",
    "InfrastructureConfiguration": "infrastructure-configuration",
    "LifecyclePolicy": "lifecycle-policy",
    "Workflow": "workflow",
}
PREFIX = "AWS::ImageBuilder::"
IGNORED = ("imagepipelineexecutionsettings", "deletionsettings")
"""Properties that say what CloudFormation does around a resource, in lower case."""

HOUSE = {
    "AWS::EC2::LaunchTemplate": ("launch-template", "LaunchTemplateName"),
    "AWS::IAM::InstanceProfile": ("instance-profile", "InstanceProfileName"),
    "AWS::IAM::Role": ("role", "RoleName"),
    "AWS::SSM::Parameter": ("parameter", "Name"),
}
"""Types that the house's other services make, and the property that names them, else they are named by the stack."""

LONGEST_NAME = 64


def read_template(here: Here, source: Source, given: Mapping[str, str], parent: str = "") -> list[Wanted]:
    """Return what a template wants, each after what it refers to. Raises DocumentError.

    ``parent`` is what a parameter of the Parameter Store stands for that is not here, where an image is wanted.
    """
    template = parse_template(source.text, source.path)
    place = Place(here.account.id, here.region, source.place.stem, tuple(here.cloud.zones(here.region)))
    parameters = settle(template, given, lambda name, kind: _stored(here, name, kind, parent))
    scope = settle_conditions(Scope(template, place, parameters, lambda _: Identity("")))
    present = {
        name: each
        for name, each in template.resources.items()
        if not each.condition or scope.condition(each.condition, each.mark)
    }
    reader = _Reader(here, template, scope, source, present)
    return [reader.wanted(each) for each in in_order(template, present)]


def _stored(here: Here, name: str, kind: str, parent: str) -> str:
    try:
        return str(here.call("ssm", "GetParameter", Name=name)["Parameter"]["Value"])
    except RefusedError:
        if parent and kind == "AWS::EC2::Image::Id":
            return parent
        raise


class _Reader:
    """Makes one template's resources."""

    def __init__(
        self, here: Here, template: Template, scope: Scope, source: Source, present: dict[str, Declaration]
    ) -> None:
        self.here = here
        self.template = template
        self.scope = scope
        self.present = present
        self.file = str(source.place)
        self.awaited = {
            name
            for each in present.values()
            for name, attribute in named_resources(each.properties)
            if attribute in {"ImageId", "ImageUri"}
        }

    def wanted(self, declaration: Declaration) -> Wanted:
        """Return what a declaration wants."""
        noun = IMAGE_BUILDER.get(declaration.type.removeprefix(PREFIX)) if PREFIX in declaration.type else None
        if noun:
            return self._wanted(declaration, noun, lambda known: self._image_builder(declaration, known))
        if declaration.type in HOUSE:
            noun, member = HOUSE[declaration.type]
            return self._wanted(declaration, noun, lambda known: self._house(declaration, member, known))
        return replace(
            self._wanted(declaration, "left-out", lambda known: self._left_out(declaration, known)),
            note=declaration.type,
        )

    def _wanted(self, declaration: Declaration, noun: str, given: Any) -> Wanted:
        names = needs(declaration) & self.present.keys()
        return Wanted(
            key=self._key(declaration.id),
            kind=noun,
            name=declaration.id,
            mark=declaration.mark,
            parameters=given,
            needs=frozenset(map(self._key, names)),
            awaited=declaration.id in self.awaited,
        )

    def _image_builder(self, declaration: Declaration, known: Known) -> dict[str, Any]:
        title = declaration.type.removeprefix(PREFIX)
        shape = service_model("imagebuilder").shape_for(f"Create{title}Request")
        return as_parameters(self._worked_out(declaration, known), shape, declaration.properties, IGNORED)

    def _house(self, declaration: Declaration, member: str, known: Known) -> dict[str, Any]:
        worked = self._worked_out(declaration, known)
        if declaration.type == "AWS::EC2::LaunchTemplate" and isinstance(worked.get("LaunchTemplateData"), dict):
            shape: Shape = service_model("ec2").shape_for("RequestLaunchTemplateData")
            entry = declaration.properties.entries["LaunchTemplateData"]
            worked["LaunchTemplateData"] = as_parameters(worked["LaunchTemplateData"], shape, entry.node)
        return {member: self._name(declaration), **worked}

    def _left_out(self, declaration: Declaration, known: Known) -> dict[str, Any]:
        try:
            worked = self._worked_out(declaration, known)
        except DocumentError:
            worked = {}
        identity = stand_in(self.here, declaration.type, self._name(declaration), declaration.id, worked)
        return {"type": declaration.type, "identity": identity}

    def _worked_out(self, declaration: Declaration, known: Known) -> dict[str, Any]:
        scope = replace(self.scope, identity=lambda name: self._identity(name, declaration, known))
        worked: Any = work_out(declaration.properties, scope)
        return dict(worked)

    def _identity(self, name: str, asking: Declaration, known: Known) -> Identity:
        if self._key(name) in known:
            return known[self._key(name)]
        condition = self.template.resources[name].condition
        message = f"{asking.id} refers to {name}, which is not made as its condition {condition} does not hold."
        raise DocumentError((Fault(asking.mark, message),))

    def _name(self, declaration: Declaration) -> str:
        return f"{self.scope.place.stack}-{declaration.id}"[:LONGEST_NAME]

    def _key(self, name: str) -> str:
        return f"{self.file}#{name}"
