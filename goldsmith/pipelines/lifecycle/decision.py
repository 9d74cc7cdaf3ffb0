"""What a policy has done to which images: decided of facts alone (8.2 to 8.5; user guide, "image-lifecycle-rules").

For each image the policy's actions are looked at in the order deprecate, disable, delete, and the first that concerns
it is done; the next follows with the next run. Age and number are counted in each version of a recipe by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldsmith.documents.arns import slug_of
from goldsmith.documents.versions import Version, VersionPattern
from goldsmith.pipelines.lifecycle.spans import before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from goldsmith.documents.lifecycle import AmiExclusions, LifecycleFilter, LifecyclePolicy, PolicyDetail

ORDER = ("DEPRECATE", "DISABLE", "DELETE")
WHOLE = ("AVAILABLE", "DEPRECATED", "DISABLED")
"""States of images that a build has made and nobody has deleted."""

BROKEN = ("FAILED", "CANCELLED")
FROM = {"DEPRECATE": ("AVAILABLE",), "DISABLE": ("AVAILABLE", "DEPRECATED"), "DELETE": (*WHOLE, *BROKEN)}
"""The states of images that an action is for."""

TYPES = {"AMI_IMAGE": "AMI", "CONTAINER_IMAGE": "DOCKER"}


@dataclass(frozen=True)
class ImageFacts:
    """One image build version. ``recipe`` is the slug of its recipe, ``created`` in seconds since the epoch."""

    arn: str
    type: str
    recipe: str
    version: Version
    status: str
    created: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AmiFacts:
    """One AMI of an image. ``shared`` are the accounts that may launch it, ``launched`` when one last did."""

    region: str
    public: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    launched: float | None = None


@dataclass(frozen=True)
class Action:
    """What becomes of an image, by which detail of a policy and why."""

    image: ImageFacts
    detail: PolicyDetail
    reason: str


def decide(policy: LifecyclePolicy, images: Iterable[ImageFacts], now: float) -> list[Action]:
    """Return what a policy does at a moment, an action an image at most, the newest images first.

    Images whose rules are about their AMIs are among them: see `exclusion`.
    """
    details: dict[str, PolicyDetail] = {detail.action.type: detail for detail in policy.policy_details}
    selected = [image for image in images if _is_selected(policy, image)]
    ranks = _ranks(selected)
    actions = []
    for image in sorted(selected, key=_age_order, reverse=True):
        for kind in ORDER:
            detail = details.get(kind)
            reason = _reason(detail, image, ranks.get(image.arn), now) if detail else ""
            if detail and reason:
                actions.append(Action(image, detail, reason))
                break
    return actions


def exclusion(rules: AmiExclusions | None, ami: AmiFacts, now: float) -> str:
    """Return why an AMI is left alone, looked at in the order region, public, tag, shared accounts, last launched."""
    return next(_exclusions(rules, ami, now), "") if rules else ""


def _exclusions(rules: AmiExclusions, ami: AmiFacts, now: float) -> Iterator[str]:
    if ami.region in rules.regions:
        yield f"AMIs in {ami.region} are excluded."
    if rules.is_public and ami.public:
        yield "Public AMIs are excluded."
    if key := _any_tag(rules.tag_map, ami.tags):
        yield f"AMIs with the tag {key}={ami.tags[key]} are excluded."
    yield from (
        f"AMIs that are shared with {each} are excluded." for each in rules.shared_accounts or () if each in ami.shared
    )
    span = rules.last_launched
    if span and ami.launched is not None and ami.launched >= before(now, span.value, span.unit):
        yield f"AMIs that were launched in the last {span.value} {span.unit.lower()} are excluded."


def _is_selected(policy: LifecyclePolicy, image: ImageFacts) -> bool:
    if image.type != TYPES[policy.resource_type]:
        return False
    selection = policy.resource_selection
    if selection.tag_map:
        return bool(_any_tag(selection.tag_map, image.tags))
    return any(
        image.recipe == slug_of(each.name)
        and VersionPattern.parse(each.semantic_version).matches(image.version.release)
        for each in selection.recipes or ()
    )


def _ranks(images: Sequence[ImageFacts]) -> dict[str, int]:
    """Return the place of each whole image in its recipe's version, the newest having 0."""
    together = defaultdict(list)
    for image in images:
        if image.status in WHOLE:
            together[image.recipe, image.version.release].append(image)
    return {
        image.arn: rank
        for group in together.values()
        for rank, image in enumerate(sorted(group, key=_age_order, reverse=True))
    }


def _reason(detail: PolicyDetail, image: ImageFacts, rank: int | None, now: float) -> str:
    """Return why a detail's action is for an image; "" when it is not."""
    if image.status not in FROM[detail.action.type]:
        return ""
    if detail.exclusion_rules and _any_tag(detail.exclusion_rules.tag_map, image.tags):
        return ""
    if rank is None:
        return f"The image is {image.status}."
    return _time_has_come(detail.filter, image, rank, now)


def _time_has_come(wanted: LifecycleFilter, image: ImageFacts, rank: int, now: float) -> str:
    if wanted.type == "COUNT":
        return f"Newer images of this version: {rank}; kept are {wanted.value}." if rank >= wanted.value else ""
    if rank < (wanted.retain_at_least or 0) or image.created > before(now, wanted.value, wanted.unit or "DAYS"):
        return ""
    return f"The image is older than {wanted.value} {(wanted.unit or 'DAYS').lower()}."


def _any_tag(wanted: Mapping[str, str] | None, tags: Mapping[str, str]) -> str:
    """Return the key of the first of some tags that is there with its value."""
    return next((key for key, value in (wanted or {}).items() if tags.get(key) == value), "")


def _age_order(image: ImageFacts) -> tuple[float, Version, str]:
    return image.created, image.version, image.arn
