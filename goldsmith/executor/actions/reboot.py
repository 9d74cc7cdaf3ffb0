"""Reboot: the guest restarts and the next step runs (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def reboot(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Wait ``delaySeconds``, restart the guest and return when it takes commands again."""
    delay = inputs.whole("delaySeconds", 0)
    if delay:
        attempt.execution.services.pause(delay)
    attempt.reboot()
    return {}
