"""What recipes name of Amazon's and others' that this house does not have: told in the plan, or replaced as asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.managed import ACCOUNT, find_managed
from goldsmith.cli.here import RefusedError
from goldsmith.documents.arns import Arn, ArnError
from goldsmith.documents.parent_image import AmiId, ImageArn, ParentImageError, parse_parent_image

if TYPE_CHECKING:
    from goldsmith.cli.here import Here


@dataclass(frozen=True)
class Replacements:
    """What is used instead of what is not here: another parent image, and no component at all."""

    parent: str = ""
    skip_components: bool = False


@dataclass(frozen=True)
class Fitted:
    """A recipe's parameters as they can be here; ``notes`` say what was replaced, ``missing`` what is not here."""

    parameters: dict[str, Any]
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def fit_recipe(here: Here, noun: str, parameters: dict[str, Any], replacements: Replacements) -> Fitted:
    """Return a recipe with what is not here replaced, as far as that was asked for.

    A container's parent is left as it is: its registry has it.
    """
    fitted = _fit_components(here, Fitted(parameters), replacements)
    return fitted if noun == "container-recipe" else _fit_parent(here, fitted, replacements)


def _fit_parent(here: Here, fitted: Fitted, replacements: Replacements) -> Fitted:
    parent = fitted.parameters.get("parentImage", "")
    if _has_parent(here, parent):
        return fitted
    if not replacements.parent:
        told = f"the parent image {parent} is not here: say what to use instead, as in --parent debian/12"
        return replace(fitted, missing=(told, *fitted.missing))
    note = f"parentImage: {replacements.parent}, as {parent} is not here"
    return Fitted({**fitted.parameters, "parentImage": replacements.parent}, (note, *fitted.notes), fitted.missing)


def _fit_components(here: Here, fitted: Fitted, replacements: Replacements) -> Fitted:
    components = fitted.parameters.get("components") or []
    absent = [each for each in components if not _has_component(here, each.get("componentArn", ""))]
    if not absent:
        return fitted
    arns = [each["componentArn"] for each in absent]
    if not replacements.skip_components:
        told = (f"the component {arn} is not here: leave such components out with --skip-missing" for arn in arns)
        return replace(fitted, missing=(*fitted.missing, *told))
    left = [each for each in components if each not in absent]
    rest = {name: value for name, value in fitted.parameters.items() if name != "components"}
    notes = tuple(f"components: without {arn}, which is not here" for arn in arns)
    return Fitted({**rest, **({"components": left} if left else {})}, (*fitted.notes, *notes), fitted.missing)


def _has_parent(here: Here, text: str) -> bool:
    """Tell whether a parent image is here; one that cannot be told, or is no parent, is for the API to judge."""
    try:
        parent = parse_parent_image(text)
    except ParentImageError:
        return True
    if isinstance(parent, ImageArn) and parent.arn.account.startswith(ACCOUNT):
        return find_managed(parent.arn, here.region) is not None
    if isinstance(parent, AmiId):
        try:
            return bool(here.ec2("DescribeImages", ImageIds=[parent.id])["Images"])
        except RefusedError:
            return False
    return True


def _has_component(here: Here, text: str) -> bool:
    try:
        arn = Arn.parse(text)
    except ArnError:
        return True
    return not arn.account.startswith((ACCOUNT, "third-party")) or find_managed(arn, here.region) is not None
