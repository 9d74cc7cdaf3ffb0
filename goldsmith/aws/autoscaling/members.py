"""The instances of a group as a plan sees them: whether they came up, serve, are sick or gone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

GONE = ("shutting-down", "terminated")
HALTED = ("stopping", "stopped")

FAILING = 20.0
"""Seconds for which the instance status check must fail before an instance is called unhealthy."""


@dataclass(frozen=True)
class Member:
    """One instance of a group.

    ``state`` is EC2's, "terminated" also where EC2 knows of none. ``check`` is the instance status check: passed,
    failed or initializing. ``in_service`` and ``failing_since`` are None where it is not so. ``leaving`` has been told
    to terminate, ``condemned`` was called unhealthy by SetInstanceHealth. ``version`` tells what it was launched from.
    Times are seconds since the epoch.
    """

    id: str
    launched: float
    state: str = "pending"
    check: str = "initializing"
    in_service: float | None = None
    failing_since: float | None = None
    leaving: bool = False
    protected: bool = False
    condemned: bool = False
    zone: str = ""
    version: str = ""

    @property
    def is_gone(self) -> bool:
        """It has ended, or is ending."""
        return self.state in GONE

    @property
    def stays(self) -> bool:
        """It is there, and nobody told it to go."""
        return not self.leaving and not self.is_gone

    def is_unhealthy(self, grace: float, now: float) -> bool:
        """Tell whether it is sick for good: halted, condemned, or failing its check after the ``grace`` period."""
        if self.condemned or self.state in HALTED:
            return True
        if self.state != "running" or now - self.launched < grace:
            return False
        return self.check == "failed" and self.failing_since is not None and now - self.failing_since >= FAILING

    def is_ready(self, warmup: float, now: float) -> bool:
        """Tell whether it does its work: in service, its check passed, and warm."""
        return (
            self.stays
            and not self.condemned
            and self.state == "running"
            and self.check == "passed"
            and self.in_service is not None
            and now - self.in_service >= warmup
        )
