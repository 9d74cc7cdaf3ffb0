from __future__ import annotations

from goldsmith.machines.boot import SystemState, parse_state


def test_a_healthy_state_is_read() -> None:
    assert parse_state("running\n6.1.0-56-cloud-amd64\n4000000\n21500000\n") == SystemState(
        "running", "6.1.0-56-cloud-amd64", 17.5, ()
    )


def test_failed_units_are_named() -> None:
    text = "degraded\n6.1.0\n0\n1000000\nbroken.service loaded failed failed Breaks\nx.mount loaded failed failed X\n"
    state = parse_state(text)
    assert state is not None
    assert state.failed_units == ("broken.service", "x.mount")


def test_anything_else_is_no_state() -> None:
    assert parse_state("") is None
    assert parse_state("System has not been booted with systemd as init system\n") is None
