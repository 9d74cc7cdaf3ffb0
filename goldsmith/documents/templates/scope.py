"""What names in a template stand for: parameters, pseudo parameters, resources, conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.values import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.source import Mark
    from goldsmith.documents.templates.template import Template
    from goldsmith.documents.templates.values import Value


@dataclass(frozen=True)
class Identity:
    """What a resource is once it is there: what Ref gives, and what GetAtt gives for each attribute.

    ``any_attribute``: every attribute has a value, made of the names, as the resource is not made here.
    """

    reference: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    any_attribute: bool = False


@dataclass(frozen=True)
class Place:
    """Where a template is applied, for its pseudo parameters."""

    account: str
    region: str
    stack: str
    zones: tuple[str, ...] = ()
    partition: str = "aws"

    @property
    def pseudo_parameters(self) -> dict[str, Value]:
        """Return AWS::Region and its like (CloudFormation's guide, "Pseudo parameters")."""
        stack_id = f"arn:{self.partition}:cloudformation:{self.region}:{self.account}:stack/{self.stack}/goldsmith"
        return {
            "AWS::AccountId": self.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": stack_id,
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True)
class Scope:
    """The names of one template. ``identity`` gives a resource's, by its logical id; the template has that resource."""

    template: Template
    place: Place
    parameters: Mapping[str, Value]
    identity: Callable[[str], Identity]
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def reference(self, name: str, mark: Mark) -> Value:
        """Return what Ref gives. Raises DocumentError for a name that stands for nothing."""
        if name in self.parameters:
            return self.parameters[name]
        pseudo = self.place.pseudo_parameters
        if name in pseudo:
            return pseudo[name]
        return self._identity(name, mark, [*self.parameters, *pseudo]).reference

    def attribute(self, name: str, attribute: str, mark: Mark) -> Value:
        """Return what GetAtt gives. Raises DocumentError for a resource or attribute that there is not."""
        identity = self._identity(name, mark, [])
        if attribute in identity.attributes:
            return identity.attributes[attribute]
        if identity.any_attribute:
            return f"{identity.reference}.{attribute}"
        kind = self.template.resources[name].type
        raise DocumentError(
            (
                Fault(
                    mark,
                    f"{kind} has no attribute '{shown(attribute)}' here.",
                    near_name(attribute, identity.attributes),
                ),
            )
        )

    def condition(self, name: str, mark: Mark) -> bool:
        """Return whether a condition holds. Raises DocumentError for one that there is not."""
        if name in self.conditions:
            return self.conditions[name]
        fault = Fault(
            mark, f"There is no condition '{shown(name)}' that could be used here.", near_name(name, self.conditions)
        )
        raise DocumentError((fault,))

    def _identity(self, name: str, mark: Mark, others: list[str]) -> Identity:
        if name in self.template.resources:
            return self.identity(name)
        known = [*others, *self.template.resources]
        raise DocumentError((Fault(mark, f"Nothing here is called '{shown(name)}'.", near_name(name, known)),))
