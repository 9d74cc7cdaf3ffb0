"""Which deleted resources the recycle bin keeps, and for how long (Recycle Bin, "Retention rules")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

RULE = "retention-rule"
DAY = 24 * 3600
TYPES = {"image": "EC2_IMAGE", "snapshot": "EBS_SNAPSHOT"}
"""A rule's resource type by the kind of resource."""


def retention(call: Call, resource: Resource) -> int:
    """Return for how many seconds the bin keeps a resource of the caller's, 0 for not at all.

    Rules by tag come before those of the whole region; of several, the longest holds.
    """
    rules = [
        rule
        for rule in call.catalog.find(Query(RULE, owners=(call.account.id,)))
        if rule.document["ResourceType"] == TYPES[resource.kind]
    ]
    tags = call.catalog.tags(resource)
    by_tag = [rule for rule in rules if rule.document.get("ResourceTags")]
    fitting = [rule for rule in by_tag if _any(rule.document["ResourceTags"], tags)] or [
        rule for rule in rules if rule not in by_tag and not _any(rule.document.get("ExcludeResourceTags") or (), tags)
    ]
    return max((int(rule.document["RetentionPeriod"]["RetentionPeriodValue"]) * DAY for rule in fitting), default=0)


def _any(wanted: Any, tags: Mapping[str, str]) -> bool:
    """Tell whether one of a rule's tags is there; one without a value fits any."""
    return any(
        each["ResourceTagKey"] in tags and each.get("ResourceTagValue") in {None, tags[each["ResourceTagKey"]]}
        for each in wanted
    )
