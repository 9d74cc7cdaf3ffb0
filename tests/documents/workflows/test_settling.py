from __future__ import annotations

import pytest

from goldsmith.documents.workflows.actions import ACTIONS
from goldsmith.documents.workflows.resolution import UnresolvedError
from goldsmith.documents.workflows.settling import settle_inputs


@pytest.mark.parametrize(
    ("action", "given", "settled"),
    [
        ("TerminateInstance", {"waitForTermination": "true"}, {"waitForTermination": True}),
        ("RunCommand", {"documentName": 7}, {"documentName": "7"}),
        ("RunCommand", {"parameters": {"a": "x", "b": [True, 1]}}, {"parameters": {"a": ["x"], "b": ["true", "1"]}}),
        ("LaunchInstance", {"instanceTypesOverride": ["a", "b"]}, {"instanceTypesOverride": ["a", "b"]}),
        ("ExecuteStateMachine", {"input": {"a": 1}}, {"input": '{"a": 1}'}),
        ("DistributeImage", {"distributions": [{"region": "r"}]}, {"distributions": [{"region": "r"}]}),
    ],
)
def test_values_are_brought_to_their_types(action, given, settled):
    assert settle_inputs(ACTIONS[action], given) == settled


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("TerminateInstance", {"instanceId": ["i-1"]}),
        ("TerminateInstance", {"instanceId": None}),
        ("TerminateInstance", {"waitForTermination": "maybe"}),
        ("LaunchInstance", {"waitFor": "nothing"}),
        ("LaunchInstance", {"instanceTypesOverride": "a"}),
        ("ExecuteStateMachine", {"input": "{"}),
        ("ExecuteStateMachine", {"input": "x" * 20_000}),
        ("DistributeImage", {"distributions": {}}),
    ],
)
def test_what_cannot_be_is_refused(action, given):
    with pytest.raises(UnresolvedError, match=f"{action}'s {next(iter(given))} cannot be"):
        settle_inputs(ACTIONS[action], given)
