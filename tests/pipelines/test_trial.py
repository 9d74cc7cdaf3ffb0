"""A trial of a disk that boots nothing: what it costs is QEMU's start."""

from __future__ import annotations

import pytest

from goldsmith.executor.services import Services
from goldsmith.machines.acceleration import Acceleration
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.progress import StageEnded, Stages
from goldsmith.pipelines.time_limit import TestsTimeoutError
from goldsmith.pipelines.trial import Trial

from .test_plan import a_component, a_plan


@pytest.mark.boots
@pytest.mark.parametrize("minutes", [0, 0.02])
def test_a_boot_that_takes_longer_than_the_tests_may_is_ended(tmp_path, minutes):
    disk = tmp_path / "empty.raw"
    disk.write_bytes(bytes(1 << 20))
    plan = a_plan(a_component(phase="test"), test_minutes=minutes, firmware=("bios",))
    home, events = Home(tmp_path / "home"), []
    trial = Trial(
        plan, home, Services(), Stages(events.append), tmp_path / "draft", {}, Acceleration("tcg", "for the test")
    )
    with pytest.raises(TestsTimeoutError, match=f"within {minutes:g} minutes"):
        trial.run(disk)
    assert [event.failed for event in events if isinstance(event, StageEnded)] == [True]
    assert list(home.machines.iterdir()) == []
