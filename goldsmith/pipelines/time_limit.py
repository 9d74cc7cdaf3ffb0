"""The time that a whole trial may take: what is left of it bounds every command in the machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, BinaryIO, Protocol

from goldsmith.guests.guest import Guest, GuestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.guests.process import Completed, Stream


class TestsTimeoutError(GuestError):
    """Boots and tests have taken longer than the pipeline allows. No step may go on after it."""

    __test__ = False
    exit_code = 1


class TimeLimit:
    """Counts from its making; ``minutes`` are those of imageTestsConfiguration.timeoutMinutes (6.4)."""

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes
        self._end = time.monotonic() + minutes * 60

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end

    def remaining(self) -> float:
        """Return the seconds left. Raises TestsTimeoutError when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> TestsTimeoutError:
        """Return the error of a limit that has passed."""
        return TestsTimeoutError(
            f"The image's boots and tests did not end within {self.minutes:g} minutes, "
            "the timeoutMinutes of its imageTestsConfiguration.",
            mend="The console and the tests' logs show what took so long; give timeoutMinutes more (up to 1440).",
        )


class Limit(Protocol):
    """Something that allows for so much time and no more."""

    def remaining(self) -> float | None:
        """Return the seconds left, None for no limit; raise when none are."""


class TimedGuest(Guest):
    """Another guest until the limit has passed: then every command ends and nothing more is run.

    A reboot that has begun is waited for, as long as the guest itself allows.
    """

    def __init__(self, guest: Guest, limit: Limit) -> None:
        self.guest = guest
        self._limit = limit

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Return the other guest's argv."""
        return self.guest.command(argv, env=env, cwd=cwd)

    def shell(self) -> list[str]:
        """Return the other guest's argv: a person at a shell has all the time there is."""
        return self.guest.shell()

    def reboot(self) -> None:
        """Restart the other guest while there is time."""
        self._limit.remaining()
        self.guest.reboot()

    def kill(self, token: str) -> None:
        """End what a command left, in the other guest."""
        self.guest.kill(token)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout: float | None = None,
        on_output: Callable[[Stream, bytes], None] | None = None,
    ) -> Completed:
        """Run a command to its end or the limit's; see Guest.run. Raises what the limit does when it has passed."""
        allowed = min((each for each in (self._limit.remaining(), timeout) if each is not None), default=None)
        done = self.guest.run(argv, stdin=stdin, env=env, cwd=cwd, timeout=allowed, on_output=on_output)
        if done.timed_out:
            self._limit.remaining()
        return done
