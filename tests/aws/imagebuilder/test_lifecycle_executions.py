from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.lifecycle.records import UNFINISHED
from goldsmith.pipelines.world import RefusedError
from tests.pipelines.lifecycle.conftest import DAY, EVERYTHING, REGION, detail, house  # noqa: F401 - the fixture

ROLE = {"executionRole": "janitor"}


def refused_code(house, operation, **parameters):  # noqa: F811
    with pytest.raises(RefusedError) as refused:
        house.ask(operation, **parameters)
    return refused.value.code


@pytest.fixture
def update(house):  # noqa: F811
    """Ask for a state of an image, and wait until what it started is over."""

    def ask(arn, status, **members):
        answer = house.ask("StartResourceStateUpdate", resourceArn=arn, state={"status": status}, **members)
        assert answer["resourceArn"] == arn
        house.lifecycles()
        return answer.get("lifecycleExecutionId")

    house.world.cloud.submit = lambda job: job()
    return ask


def test_a_record_is_changed_at_once(house, update):  # noqa: F811
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    for status in ("DEPRECATED", "DISABLED", "AVAILABLE", "DISABLED", "DEPRECATED", "AVAILABLE"):
        assert update(arn, status) is None
        assert house.status(arn) == status
    assert "deprecationTime" not in house.ask("GetImage", imageBuildVersionArn=arn)["image"]
    assert house.described(ami)[0]["State"] == "available"
    assert not house.executions(arn)


def test_with_its_amis_it_is_an_execution(house, update):  # noqa: F811
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    only = {"includeResources": {"amis": True}, **ROLE}
    seen = []
    for status in ("DEPRECATED", "DISABLED", "DEPRECATED", "AVAILABLE", "DISABLED", "AVAILABLE"):
        execution = update(arn, status, **only)
        found = house.ask("GetLifecycleExecution", lifecycleExecutionId=execution)["lifecycleExecution"]
        assert found["state"]["status"] == "SUCCESS"
        assert found["resourcesImpactedSummary"]["hasImpactedResources"]
        assert "lifecyclePolicyArn" not in found
        assert house.status(arn) == status
        (there,) = house.described(ami)
        seen.append((there["State"], "DeprecationTime" in there, bool(there.get("Tags"))))
    assert seen == [
        ("available", True, True),
        ("disabled", True, False),
        ("available", True, True),
        ("available", False, False),
        ("disabled", False, False),
        ("available", False, False),
    ]
    assert len(house.executions(arn)) == 6
    update(arn, "DELETED", includeResources=EVERYTHING, **ROLE)
    assert house.status(arn) == "DELETED"
    assert not house.described(ami)
    assert not house.snapshots()


def test_exclusions_hold_for_one_image_too(house, update):  # noqa: F811
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    rules = {"amis": {"regions": [REGION]}}
    execution = update(arn, "DELETED", includeResources=EVERYTHING, exclusionRules=rules, **ROLE)
    assert house.status(arn) == "AVAILABLE"
    assert house.rows(execution, arn)[0]["state"] == {"status": "SKIPPED", "reason": f"AMIs in {REGION} are excluded."}


def test_a_deprecation_may_be_later(house, update):  # noqa: F811
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    later = house.now[0] + 10 * DAY
    update(arn, "DEPRECATED", updateAt=later, includeResources={"amis": True}, **ROLE)
    assert house.status(arn) == "AVAILABLE"
    assert house.ask("GetImage", imageBuildVersionArn=arn)["image"]["deprecationTime"] == "2026-12-03T09:30:00.000Z"
    assert house.described(ami)[0]["DeprecationTime"].startswith("2026-12-03T09:30")
    lifecycles = house.lifecycles()
    house.days_pass(9)
    lifecycles.tick()
    assert house.status(arn) == "AVAILABLE"
    house.days_pass(1)
    lifecycles.tick()
    assert house.status(arn) == "DEPRECATED"
    assert house.told == [(arn, "DEPRECATED")]


def test_what_is_decided_later_replaces_a_later_deprecation(house, update):  # noqa: F811
    arn = house.image("1.0.0/1")
    update(arn, "DEPRECATED", updateAt=house.now[0] + DAY)
    update(arn, "AVAILABLE")
    house.days_pass(2)
    house.lifecycles().tick()
    assert house.status(arn) == "AVAILABLE"


@pytest.mark.parametrize(
    ("state", "status", "members", "code"),
    [
        ("AVAILABLE", "DELETED", {}, "InvalidRequestException"),
        ("AVAILABLE", "DISABLED", {"includeResources": {"amis": True}}, "InvalidRequestException"),
        ("AVAILABLE", "DISABLED", ROLE, "InvalidRequestException"),
        ("AVAILABLE", "DISABLED", {"includeResources": EVERYTHING, **ROLE}, "InvalidRequestException"),
        ("AVAILABLE", "DELETED", {"includeResources": {"snapshots": True}, **ROLE}, "InvalidRequestException"),
        ("AVAILABLE", "DELETED", {"includeResources": {"containers": True}, **ROLE}, "InvalidRequestException"),
        ("AVAILABLE", "DISABLED", {"exclusionRules": {"amis": {"isPublic": True}}}, "InvalidRequestException"),
        ("AVAILABLE", "DISABLED", {"updateAt": 4e9}, "InvalidRequestException"),
        ("AVAILABLE", "DEPRECATED", {"updateAt": 1e9}, "InvalidRequestException"),
        ("AVAILABLE", "RETIRED", {}, "InvalidRequestException"),
        ("FAILED", "DEPRECATED", {}, "InvalidRequestException"),
        ("CANCELLED", "AVAILABLE", {}, "InvalidRequestException"),
        ("DELETED", "AVAILABLE", {}, "InvalidRequestException"),
        ("BUILDING", "DEPRECATED", {}, "ResourceInUseException"),
    ],
)
def test_what_cannot_become_of_an_image_is_refused(house, state, status, members, code):  # noqa: F811
    arn = house.image("1.0.0/1", state=state)
    asked = {"resourceArn": arn, "state": {"status": status}, **members}
    assert refused_code(house, "StartResourceStateUpdate", **asked) == code
    assert house.status(arn) == state


def test_containers_and_unknown_images_are_refused(house):  # noqa: F811
    arn = house.image("1.0.0/1", type="DOCKER")
    asked = {"state": {"status": "DISABLED"}}
    assert refused_code(house, "StartResourceStateUpdate", resourceArn=arn, **asked) == "InvalidRequestException"
    unknown = house.arn("image/web/9.9.9/1")
    assert refused_code(house, "StartResourceStateUpdate", resourceArn=unknown, **asked) == "ResourceNotFoundException"
    version = house.arn("image/web/1.0.0")
    assert refused_code(house, "StartResourceStateUpdate", resourceArn=version, **asked) == "InvalidRequestException"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_failed_images_can_be_deleted(house, update, state):  # noqa: F811
    arn = house.image("1.0.0/1", state=state)
    update(arn, "DELETED", includeResources=EVERYTHING, **ROLE)
    assert house.status(arn) == "DELETED"


def test_one_execution_at_a_time_which_can_be_cancelled(house):  # noqa: F811
    house.world.cloud.submit = lambda job: None
    ami = house.ami()
    arn = house.image("1.0.0/1", (REGION, ami))
    asked = {"resourceArn": arn, "state": {"status": "DELETED"}, "includeResources": EVERYTHING, **ROLE}
    execution = house.ask("StartResourceStateUpdate", **asked)["lifecycleExecutionId"]
    assert refused_code(house, "StartResourceStateUpdate", **asked) == "ResourceInUseException"
    house.ask("CancelLifecycleExecution", lifecycleExecutionId=execution)
    assert house.ask("GetLifecycleExecution", lifecycleExecutionId=execution)["lifecycleExecution"]["state"] == {
        "status": "CANCELLING"
    }
    house.now[0] += 61
    house.lifecycles().tick()
    listed = house.ask("ListLifecycleExecutionResources", lifecycleExecutionId=execution)
    assert listed["lifecycleExecutionState"]["status"] == "CANCELLED"
    assert house.described(ami)
    assert refused_code(house, "CancelLifecycleExecution", lifecycleExecutionId=execution) == "ResourceInUseException"


def test_executions_are_their_accounts_own(house):  # noqa: F811
    house.world.cloud.submit = lambda job: job()
    arn = house.image("1.0.0/1")
    asked = {"resourceArn": arn, "state": {"status": "DELETED"}, "includeResources": EVERYTHING, **ROLE}
    execution = house.ask("StartResourceStateUpdate", **asked)["lifecycleExecutionId"]
    for operation in ("GetLifecycleExecution", "ListLifecycleExecutionResources", "CancelLifecycleExecution"):
        known = {"account": house.other, "lifecycleExecutionId": execution}
        assert refused_code(house, operation, **known) == "ResourceNotFoundException"
    assert not house.ask("ListLifecycleExecutions", account=house.other, resourceArn=arn)["lifecycleExecutions"]


def test_lists_come_in_pages(house):  # noqa: F811
    for number in range(5):
        house.image(f"1.0.0/{number + 1}", state="FAILED")
    policy = house.policy(detail("DELETE", kept=1))
    house.lifecycles().tick()
    execution = house.executions(policy)[0]["lifecycleExecutionId"]
    asked = {"lifecycleExecutionId": execution, "maxResults": 2}
    seen, token = [], None
    while True:
        page = house.ask("ListLifecycleExecutionResources", **asked, nextToken=token)
        seen.append([row["resourceId"][-1] for row in page["resources"]])
        if not (token := page.get("nextToken")):
            break
    assert seen == [["5", "4"], ["3", "2"], ["1"]]


def test_boto3_reads_times_and_states(fresh, refusal):
    client = fresh.client("imagebuilder", account="lifecycle")
    account = fresh.account_id("lifecycle")
    arn = f"arn:aws:imagebuilder:us-east-1:{account}:image/web/1.0.0/1"
    document = {"arn": arn, "name": "web", "version": "1.0.0/1", "type": "AMI", "state": {"status": "AVAILABLE"}}
    with fresh.cloud.catalog(account, "us-east-1") as catalog:
        catalog.add(Resource(arn, "image-build", account, "us-east-1", "web/1.0.0", "AVAILABLE", document=document))
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    client.start_resource_state_update(resourceArn=arn, state={"status": "DEPRECATED"}, updateAt=later)
    assert client.get_image(imageBuildVersionArn=arn)["image"]["deprecationTime"] == later
    answer = client.start_resource_state_update(
        resourceArn=arn, state={"status": "DISABLED"}, includeResources={"amis": True}, executionRole="janitor"
    )
    while client.list_lifecycle_executions(resourceArn=arn)["lifecycleExecutions"][0]["state"]["status"] in UNFINISHED:
        time.sleep(0.05)
    execution = client.get_lifecycle_execution(lifecycleExecutionId=answer["lifecycleExecutionId"])[
        "lifecycleExecution"
    ]
    assert execution["state"] == {"status": "SUCCESS"}
    assert execution["startTime"] <= execution["endTime"]
    assert client.list_lifecycle_executions(resourceArn=arn)["lifecycleExecutions"] == [execution]
    absent = "lce-00000000-0000-0000-0000-000000000000"
    assert refusal(client.get_lifecycle_execution, lifecycleExecutionId=absent) == "ResourceNotFoundException"
