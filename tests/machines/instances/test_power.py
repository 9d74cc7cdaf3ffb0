from __future__ import annotations

from typing import Any

import pytest

from goldsmith.machines.instances.power import Power

GUEST_OFF = {"event": "SHUTDOWN", "data": {"guest": True, "reason": "guest-shutdown"}}


class Qemu:
    """A monitor that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def execute(self, command: str, **_: Any) -> Any:
        self.told.append(command)
        return {"status": "running"}


def power(*events: dict[str, Any]) -> Power:
    made = Power(Qemu(), None, lambda: None)  # type: ignore[arg-type]
    for event in events:
        made.hear(event)
    made.ended()
    return made


@pytest.mark.parametrize(
    ("events", "exit_code", "reason", "message"),
    [
        ([GUEST_OFF], 0, "guest", "The guest shut itself down."),
        ([], -9, "crashed", "QEMU ended by signal 9: it said nothing"),
        ([], 1, "crashed", "QEMU ended with exit code 1: it said nothing"),
        ([GUEST_OFF], -11, "crashed", "QEMU ended by signal 11: it said nothing"),
    ],
)
def test_an_end_that_nobody_ordered(events: list[dict[str, Any]], exit_code: int, reason: str, message: str) -> None:
    assert power(*events).verdict(exit_code, "") == (reason, message)


def test_qemus_last_words_are_kept() -> None:
    assert power().verdict(1, "ERROR: assertion failed")[1].endswith("ERROR: assertion failed")


def test_an_end_by_force_is_forced_whatever_else_happened() -> None:
    made = power(GUEST_OFF)
    made.force()
    assert made.verdict(0, "")[0] == "forced"
