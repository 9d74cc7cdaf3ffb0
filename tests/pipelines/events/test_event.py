"""The shape of events, and that the same change is the same event."""

from __future__ import annotations

from goldsmith.pipelines.events.event import IMAGE_STATE_CHANGE, Event, pipeline_disabled, state_change, step_waiting

ARN = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1"


def event(moment=1_795_000_000.25, status="TESTING"):
    return Event.of(
        IMAGE_STATE_CHANGE,
        [ARN],
        state_change("BUILDING", status),
        account="123456789012",
        region="us-east-1",
        moment=moment,
    )


def test_it_has_eventbridges_shape():
    said = event().as_json()
    assert said == {
        "version": "0",
        "id": said["id"],
        "detail-type": "EC2 Image Builder Image State Change",
        "source": "aws.imagebuilder",
        "account": "123456789012",
        "time": "2026-11-18T11:06:40Z",
        "region": "us-east-1",
        "resources": [ARN],
        "detail": {"previous-state": {"status": "BUILDING"}, "state": {"status": "TESTING"}},
    }


def test_the_same_change_has_the_same_id_and_another_another():
    assert event().id == event().id
    assert len({event().id, event(moment=1_795_000_001.0).id, event(status="FAILED").id}) == 3


def test_details_have_awss_members():
    assert pipeline_disabled(5) == {"consecutive-failures": "5"}
    assert step_waiting("wf-1", "step-1", "Approve") == {
        "workflow-execution-id": "wf-1",
        "workflow-step-execution-id": "step-1",
        "workflow-step-name": "Approve",
    }
