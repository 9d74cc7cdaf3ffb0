from __future__ import annotations

import json
from typing import Any

import pytest

from goldsmith.documents.lifecycle import LifecyclePolicy, parse_lifecycle_policy
from goldsmith.documents.source import DocumentError


def policy(**members: Any) -> dict[str, Any]:
    return {
        "name": "keep few",
        "executionRole": "arn:aws:iam::123456789012:role/janitor",
        "resourceType": "AMI_IMAGE",
        "policyDetails": [detail()],
        "resourceSelection": {"recipes": [{"name": "web", "semanticVersion": "1.x.x"}]},
        **members,
    }


def detail(kind: str = "DELETE", *, include: Any = None, exclude: Any = None, **when: Any) -> dict[str, Any]:
    action = {"type": kind} | ({"includeResources": include} if include else {})
    rules = {"exclusionRules": exclude} if exclude else {}
    return {"action": action, "filter": when or {"type": "AGE", "value": 6, "unit": "MONTHS"}, **rules}


def read(document: dict[str, Any]) -> LifecyclePolicy:
    return parse_lifecycle_policy(json.dumps(document), "policy.json")


def test_a_policy_of_everything() -> None:
    exclude = {
        "tagMap": {"keep": "me"},
        "amis": {
            "isPublic": True,
            "regions": ["eu-central-1"],
            "sharedAccounts": ["123456789012"],
            "lastLaunched": {"value": 2, "unit": "WEEKS"},
            "tagMap": {"a": "b"},
        },
    }
    details = [
        detail(
            "DEPRECATE", include={"amis": True}, exclude=exclude, type="AGE", value=1, unit="WEEKS", retainAtLeast=3
        ),
        detail("DISABLE"),
        detail("DELETE", include={"amis": True, "snapshots": True}, type="COUNT", value=10),
    ]
    read_back = read(policy(policyDetails=details, description="d", status="DISABLED", tags={"x": "y"}))
    assert read_back.policy_details[0].filter.retain_at_least == 3
    assert read_back.policy_details[0].exclusion_rules
    assert read_back.policy_details[0].exclusion_rules.amis
    assert read_back.policy_details[0].exclusion_rules.amis.last_launched
    assert read_back.policy_details[2].action.include_resources
    assert read_back.policy_details[2].action.include_resources.snapshots
    assert (read_back.status, read(policy()).status) == ("DISABLED", "ENABLED")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            policy(policyDetails=[detail(type="AGE", value=3)]),
            "policyDetails[0].filter needs a unit when it is of type AGE",
        ),
        (
            policy(policyDetails=[detail("DISABLE", type="COUNT", value=3)]),
            "policyDetails[0].filter of type COUNT goes with the action DELETE, not with DISABLE",
        ),
        (policy(policyDetails=[detail(type="COUNT", value=3, unit="DAYS")]), "has no unit when it is of type COUNT"),
        (policy(policyDetails=[detail(type="COUNT", value=3, retainAtLeast=2)]), "has no retainAtLeast"),
        (policy(policyDetails=[detail(type="COUNT", value=1001)]), "must be 1000 or less, but is '1001'"),
        (policy(policyDetails=[detail(), detail()]), "policyDetails[1] is a second detail of the action DELETE"),
        (policy(policyDetails=[]), "policyDetails must hold 1 or more"),
        (policy(policyDetails=[detail(include={"snapshots": True})]), "can only include snapshots together with amis"),
        (
            policy(policyDetails=[detail("DEPRECATE", include={"amis": True, "snapshots": True})]),
            "policyDetails[0].action.includeResources can only include amis when it is DEPRECATE",
        ),
        (policy(policyDetails=[detail(include={"containers": True})]), "includes containers in a policy for AMI_IMAGE"),
        (
            policy(resourceType="CONTAINER_IMAGE", policyDetails=[detail("DISABLE")]),
            "can only be DELETE in a policy for CONTAINER_IMAGE",
        ),
        (
            policy(resourceType="CONTAINER_IMAGE", policyDetails=[detail(include={"amis": True})]),
            "includes amis in a policy for CONTAINER_IMAGE",
        ),
        (
            policy(resourceType="CONTAINER_IMAGE", policyDetails=[detail(exclude={"amis": {"isPublic": True}})]),
            "excludes AMIs in a policy for CONTAINER_IMAGE",
        ),
        (policy(resourceSelection={}), "resourceSelection takes either recipes or a tagMap"),
        (
            policy(resourceSelection={"tagMap": {"a": "b"}, "recipes": [{"name": "web", "semanticVersion": "1.0.0"}]}),
            "resourceSelection takes either recipes or a tagMap",
        ),
        (
            policy(resourceSelection={"recipes": [{"name": "web", "semanticVersion": "x.1.x"}]}),
            "has an x before a number",
        ),
        (policy(executionRole="AWSServiceRoleForImageBuilder"), "executionRole is the service-linked role"),
        (
            policy(executionRole="arn:aws:iam::123456789012:role/aws-service-role/x/AWSServiceRoleForImageBuilder"),
            "executionRole is the service-linked role",
        ),
        (policy(executionRole="not a role!"), "executionRole must be a role's name or ARN"),
        (
            policy(policyDetails=[detail(exclude={"amis": {"lastLaunched": {"value": 366, "unit": "DAYS"}}})]),
            "must be 365 or less",
        ),
    ],
)
def test_what_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read(document)
    assert said in str(refused.value)


def test_a_container_policy_deletes_containers() -> None:
    details = [detail(include={"containers": True}, type="COUNT", value=5)]
    assert read(policy(resourceType="CONTAINER_IMAGE", policyDetails=details)).resource_type == "CONTAINER_IMAGE"
