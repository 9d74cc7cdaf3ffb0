"""EBS direct asked again where botocore gives up: not all of its servers know a new snapshot, and some throttle long.

Sources: awslabs/coldsnap, issue 43 and pull request 56 (EBS's own advice is to ask for two minutes); "Error retries" in
the user guide of the EBS direct APIs.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = TypeVar("Answer")

SECONDS = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
_THROTTLED = {"RequestThrottledException", "ThrottlingException"}
_UNKNOWN, _CROSSED = "SNAPSHOT_NOT_FOUND", "CONFLICTING_BLOCK_UPDATE"


class Patience:
    """How long a snapshot's calls are repeated: ``young`` is that it was begun just now, and may not be known yet."""

    def __init__(self, *, young: bool) -> None:
        self._known_at = time.monotonic() + SECONDS if young else 0.0

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Return what a call answers. Raises its ClientError when that does not pass, or not within two minutes."""
        most, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                return call()
            except ClientError as refused:
                most = most or time.monotonic() + SECONDS
                if not self._passes(refused) or time.monotonic() > most:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _passes(self, refused: ClientError) -> bool:
        reason = refused.response.get("Reason", "")
        if reason == _UNKNOWN:
            return time.monotonic() < self._known_at
        throttled = refused.response["Error"].get("Code") in _THROTTLED
        broken = refused.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR
        return throttled or broken or reason == _CROSSED
