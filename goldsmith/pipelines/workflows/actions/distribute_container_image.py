"""DistributeContainerImage: the built container goes to its repositories (5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.builders.containers.shipping import ship
from goldsmith.pipelines.builders.instances import find_container_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.workflows.action import StepRun


def run(step: StepRun) -> Mapping[str, Any]:
    """Push it to each region's registry, or keep it here; the output ``containers`` is ours, as in outputResources."""
    with find_container_host(step).carrying() as engine:
        return ship(step, engine)


def roll_back(step: StepRun, outputs: Mapping[str, Any]) -> bool:  # noqa: ARG001 - as every action's
    """Undo nothing: what was pushed stays, as AWS leaves it."""
    return False
