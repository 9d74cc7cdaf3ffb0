"""Steps that wait are listed, and answered once: every refusal of SendWorkflowStepAction."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

REGION = "us-east-1"


def image_of(served: Served, account: str = "acme") -> str:
    return f"arn:aws:imagebuilder:{REGION}:{served.account_id(account)}:image/web/1.0.0/1"


def add(
    served: Served, *, account: str = "acme", action: str = "WaitForAction", state: str = "RUNNING", **inner: Any
) -> str:
    identifier, owner = f"step-{uuid.uuid4()}", served.account_id(account)
    document = {
        "stepExecutionId": identifier,
        "workflowExecutionId": f"wf-{uuid.uuid4()}",
        "workflowBuildVersionArn": f"arn:aws:imagebuilder:{REGION}:{owner}:workflow/build/mine/1.0.0/1",
        "imageBuildVersionArn": image_of(served, account),
        "name": "Approve",
        "action": action,
        "status": state,
        "startTime": "2026-11-18T11:06:40.000Z",
        "inputs": "{}",
    }
    with served.cloud.catalog(owner, REGION) as catalog:
        catalog.add(Resource(identifier, "workflow-step", owner, REGION, "wf", state, 1.0, document, inner))
    return identifier


def answer_to(served: Served, identifier: str, account: str = "acme") -> Any:
    with served.cloud.catalog(served.account_id(account), REGION, writes=False) as catalog:
        found = catalog.own("workflow-step", identifier)
    assert found is not None
    return found.inner.get("answer")


def test_only_those_that_wait_now_are_listed_in_pages(served: Served) -> None:
    waiting = [add(served, account="lister", waiting=True) for _ in range(3)]
    add(served, account="lister")
    add(served, account="lister", state="COMPLETED", waiting=True)
    add(served, account="lister", waiting=True, answer={"action": "RESUME", "reason": ""})
    client = served.client("imagebuilder", account="lister")
    pages = list(client.get_paginator("list_waiting_workflow_steps").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["stepExecutionId"] for each in page["steps"]] for page in pages] == [waiting[:2], waiting[2:]]
    row = pages[0]["steps"][0]
    assert row["name"] == "Approve"
    assert row["imageBuildVersionArn"] == image_of(served, "lister")
    assert set(row) == {
        "stepExecutionId",
        "imageBuildVersionArn",
        "workflowExecutionId",
        "workflowBuildVersionArn",
        "name",
        "action",
        "startTime",
    }
    assert served.client("imagebuilder", account="other").list_waiting_workflow_steps()["steps"] == []


def test_an_answer_is_kept_and_the_step_waits_no_more(served: Served) -> None:
    client, step = served.client("imagebuilder", account="answers"), add(served, account="answers", waiting=True)
    asked = {"stepExecutionId": step, "imageBuildVersionArn": image_of(served, "answers"), "clientToken": "t"}
    said = client.send_workflow_step_action(**asked, action="RESUME", reason="looks good")
    assert (said["stepExecutionId"], said["imageBuildVersionArn"], said["clientToken"]) == (
        step,
        image_of(served, "answers"),
        "t",
    )
    assert answer_to(served, step, "answers") == {"action": "RESUME", "reason": "looks good"}
    assert client.list_waiting_workflow_steps()["steps"] == []
    assert client.send_workflow_step_action(**asked, action="RESUME", reason="looks good")["stepExecutionId"] == step


def test_what_cannot_be_answered_is_refused(served: Served, refusal: Callable[..., str]) -> None:
    send = served.client("imagebuilder").send_workflow_step_action
    image = image_of(served)

    def code(step: str, arn: str = image, **more: str) -> str:
        return refusal(send, **{"stepExecutionId": step, "imageBuildVersionArn": arn, "action": "STOP", **more})

    waiting = add(served, waiting=True)
    assert code(f"step-{uuid.uuid4()}") == "ResourceNotFoundException"
    assert code(add(served, account="other", waiting=True), image_of(served, "other")) == "ResourceNotFoundException"
    assert code(waiting, image.replace("web", "db")) == "InvalidParameterValueException"
    assert code(add(served, action="RunCommand")) == "InvalidParameterValueException"
    assert code(add(served, state="FAILED", waiting=True)) == "InvalidParameterValueException"
    assert code(add(served)) == "InvalidParameterValueException"
    assert code("step-1") == "InvalidParameterValueException"
    assert code(waiting, action="PAUSE") == "InvalidParameterValueException"
    assert answer_to(served, waiting) is None
    send(stepExecutionId=waiting, imageBuildVersionArn=image, action="STOP")
    assert code(waiting) == "ResourceInUseException"
    assert answer_to(served, waiting) == {"action": "STOP", "reason": ""}
