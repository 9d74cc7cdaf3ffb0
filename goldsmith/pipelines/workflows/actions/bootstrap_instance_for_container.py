"""BootstrapInstanceForContainer: the instance gets what a container is built with (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.commands import succeeded
from goldsmith.pipelines.builders.instances import find_container_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Lay the host's system with a container engine."""
    step.say("Sending command to instance to run")
    return succeeded(step, find_container_host(step).bootstrap())


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - there is nothing to undo
    """Undo nothing: what was made ready ends with the instance."""
    return False
