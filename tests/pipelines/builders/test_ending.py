"""TerminateInstance, taken up again after its server was killed."""

from __future__ import annotations

import pytest

from goldsmith.pipelines.builders.record import InstanceRecord
from goldsmith.pipelines.workflows.action import ActionFailedError

from .steps import Running, an_image


def test_an_instance_that_the_step_had_ended_is_ended(world):
    image = an_image(slug="ends")
    running = Running(world, image)
    running.instance = "i-00000000000000001"
    with pytest.raises(ActionFailedError, match="which this build does not have"):
        running.run("TerminateInstance", identifier="step-1")
    InstanceRecord(running.instance, "sandbox").save(image.folder(world.home))
    assert running.run("TerminateInstance", identifier="step-1") == {}
    assert InstanceRecord.load(image.folder(world.home), running.instance) is None
    assert running.run("TerminateInstance", identifier="step-1") == {}
