"""What an execution is to do: the decision's images and their AMIs, as the catalogue has them now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.accounts import Account
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.resources import EVERYBODY, Query
from goldsmith.documents.lifecycle import IncludeResources, LifecyclePolicy
from goldsmith.documents.versions import Version
from goldsmith.pipelines.lifecycle.decision import BROKEN, WHOLE, AmiFacts, ImageFacts, decide, exclusion
from goldsmith.pipelines.lifecycle.records import AmiPlan, ImagePlan
from goldsmith.pipelines.moments import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.resources import Resource
    from goldsmith.documents.lifecycle import AmiExclusions

IMAGE = "image-build"


def read_policy(policy: Resource) -> LifecyclePolicy:
    """Return a policy's document as what it is made of."""
    known = {field.alias for field in LifecyclePolicy.model_fields.values()}
    return LifecyclePolicy.model_validate({name: value for name, value in policy.document.items() if name in known})


def plan_policy(catalog: Catalog, policy: Resource, now: float) -> list[ImagePlan]:
    """Return what a policy does now to the images of its account and region."""
    wanted = read_policy(policy)
    plans = []
    for action in decide(wanted, image_facts(catalog, wanted), now):
        image = catalog.own(IMAGE, action.image.arn)
        if image is None:
            continue
        detail = action.detail
        include = detail.action.include_resources or IncludeResources()
        rules = detail.exclusion_rules.amis if detail.exclusion_rules else None
        plans.append(plan_image(catalog, image, detail.action.type, action.reason, include, rules, now))
    return plans


def plan_image(
    catalog: Catalog,
    image: Resource,
    action: str,
    reason: str,
    include: IncludeResources,
    rules: AmiExclusions | None,
    now: float,
    *,
    at: float | None = None,
) -> ImagePlan:
    """Return what an action means for an image, its AMIs and their snapshots; ``at`` is when a deprecation begins."""
    outputs = image.document.get("outputResources") or {}
    amis = [
        _plan_ami(catalog, each, snapshots=include.snapshots, rules=rules, now=now)
        for each in (outputs.get("amis") or () if include.amis else ())
    ]
    uris = [uri for each in outputs.get("containers") or () for uri in each.get("imageUris", ())]
    return ImagePlan(image, action, reason, tuple(amis), tuple(uris if include.containers else ()), at)


def image_facts(catalog: Catalog, policy: LifecyclePolicy) -> list[ImageFacts]:
    """Return the account's images that are not being built, with tags where a policy looks at them."""
    query = Query(IMAGE, owners=(catalog.account.id,), states=(*WHOLE, *BROKEN))
    images = [(_facts(image), replace(image, document={}, inner={})) for image in catalog.find(query)]
    rules = [detail.exclusion_rules for detail in policy.policy_details]
    if not policy.resource_selection.tag_map and not any(each and each.tag_map for each in rules):
        return [facts for facts, _ in images]
    tags = catalog.tags_among([record for _, record in images])
    return [replace(facts, tags=tags.get(facts.arn, {})) for facts, _ in images]


def _facts(image: Resource) -> ImageFacts:
    return ImageFacts(
        arn=image.id,
        type=str(image.document.get("type", "AMI")),
        recipe=image.name.partition("/")[0],
        version=Version.parse(image.id.partition(":image/")[2].partition("/")[2]),
        status=image.state,
        created=image.created,
    )


def _plan_ami(
    catalog: Catalog, output: Mapping[str, Any], *, snapshots: bool, rules: AmiExclusions | None, now: float
) -> AmiPlan:
    region, identifier = str(output.get("region", "")), str(output.get("image", ""))
    account = str(output.get("accountId") or catalog.account.id)
    there = Catalog(catalog.connection, Account(account, ""), region)
    ami = there.own("image", identifier)
    if ami is None or ami.state == "deregistered":
        return AmiPlan(account, region, identifier)
    mappings = ami.document.get("BlockDeviceMappings") or ()
    kept = [each["Ebs"]["SnapshotId"] for each in mappings if each.get("Ebs", {}).get("SnapshotId")]
    wanted = tuple(dict.fromkeys(kept)) if snapshots else ()
    return AmiPlan(account, region, identifier, wanted, exclusion(rules, _ami_facts(there, ami), now))


def _ami_facts(catalog: Catalog, ami: Resource) -> AmiFacts:
    launched = ami.document.get("LastLaunchedTime")
    grantees = catalog.grantees(ami)
    return AmiFacts(
        region=ami.region,
        public=EVERYBODY in grantees,
        tags=catalog.tags(ami),
        shared=tuple(grantees),
        launched=seconds(str(launched)) if launched else None,
    )
