"""What recipes name of Amazon's and others' that this house does not have: told in the plan, or replaced as asked."""

from __future__ import annotations

from dataclasses import dataclass
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


def fit_recipe(here: Here, parameters: dict[str, Any], replacements: Replacements) -> Fitted:
    """Return an image recipe with what is not here replaced, as far as that was asked for."""
    notes, missing = [], []
    fitted = dict(parameters)
    parent = parameters.get("parentImage", "")
    if not _has_parent(here, parent):
        if replacements.parent:
            fitted["parentImage"] = replacements.parent
            notes.append(f"parentImage: {replacements.parent}, as {parent} is not here")
        else:
            missing.append(f"the parent image {parent} is not here: say what to use instead, as in --parent debian/12")
    for each in parameters.get("components") or []:
        arn = each.get("componentArn", "")
        if _has_component(here, arn):
            continue
        if replacements.skip_components:
            fitted["components"] = [other for other in fitted["components"] if other is not each]
            notes.append(f"components: without {arn}, which is not here")
        else:
            missing.append(f"the component {arn} is not here: leave such components out with --skip-missing")
    return Fitted(fitted, tuple(notes), tuple(missing))


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
