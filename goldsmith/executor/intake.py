"""Bytes from outside on their way into a guest's file: counted, hashed, within the time, all or nothing."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from goldsmith.errors import GoldsmithError
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.executor.attempt import Attempt


class Readable(Protocol):
    """Anything that gives at most ``size`` bytes at a time and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""


class Digest(Protocol):
    """A hashlib object, as far as it is fed here."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""


class Intake:
    """Reads for the thread that feeds the guest; what goes wrong there is kept for the thread that waits."""

    def __init__(self, attempt: Attempt, source: Readable, digest: Digest | None) -> None:
        self._deadline = attempt.deadline
        self._source = source
        self._digest = digest
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        """Return the next bytes, none after an error."""
        try:
            self._deadline.remaining()
            data = self._source.read(size)
        except Exception as error:  # noqa: BLE001  # raised again by the thread that waits
            self.error = error
            return b""
        if self._digest:
            self._digest.update(data)
        return data

    def check(self) -> None:
        """Raise what went wrong while reading."""
        if self.error:
            raise self.error


def receive(
    attempt: Attempt,
    source: Readable,
    destination: str,
    *,
    digest: Digest | None = None,
    verify: Callable[[], None] | None = None,
) -> None:
    """Write a stream to a file of the guest whose folder exists; ``destination`` changes only when all is well.

    The bytes go to a temporary file beside it; ``verify`` may refuse them by raising; then one rename. Raises
    what the source raised, and ActionError where the guest could not write.
    """
    folder = posixpath.dirname(destination)
    made = attempt.shell(
        'mktemp -- "$1/.goldsmith-XXXXXXXXXX"', folder, failing=f"Could not write to the folder {folder}"
    )
    temporary = made.decode(errors="surrogateescape").removesuffix("\n")
    try:
        intake = Intake(attempt, source, digest)
        writing = f"Could not write {destination}"
        attempt.shell('cat >"$1"', temporary, failing=writing, stdin=cast("BinaryIO", intake))
        intake.check()
        if verify:
            verify()
        attempt.shell(
            'chmod "$(printf %o $((0666 & ~0$(umask))))" "$1" && mv -fT -- "$1" "$2"',
            temporary,
            destination,
            failing=writing,
        )
    except BaseException:
        with contextlib.suppress(GoldsmithError):
            attempt.execution.guest.run(["rm", "-f", "--", temporary], timeout=30)
        raise


def forbid_folder(destination: str, found: str) -> None:
    """Raise ActionError where a folder stands at the path that a file is to get."""
    if found == "folder":
        raise ActionError(
            f"The destination {destination} is a folder.",
            mend="End it with / to write into the folder, or name the file.",
        )
