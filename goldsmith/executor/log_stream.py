"""console.log as it is written, line by line, to a CloudWatch log stream (4.10).

The limits are those of PutLogEvents: 10 000 events and 1 MiB a call, 26 bytes counted for each event.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from goldsmith.executor.aws import aws_errors
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from types import TracebackType

MOST_EVENTS = 10_000
MOST_BYTES = 1 << 20
EVENT_BYTES = 26
LONGEST_EVENT = 200_000
SECONDS_BETWEEN_CALLS = 2.0


class LogStream:
    """Sends lines in batches. A failure stops the sending, never the run; leaving the context raises it.

    ``ignore_failures`` keeps it from being raised at all.
    """

    def __init__(self, client: Any, group: str, stream: str, *, ignore_failures: bool = False) -> None:
        self._client = client
        self._where = {"logGroupName": group, "logStreamName": stream}
        self._ignore = ignore_failures
        self._events: list[dict[str, Any]] = []
        self._bytes = 0
        self._sent = time.monotonic()
        self.failure: ActionError | None = None

    def __enter__(self) -> Self:
        self._call(self._create)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        if self.failure and not self._ignore and error is None:
            raise self.failure

    def line(self, line: str) -> None:
        """Take a line; it goes out with the next batch."""
        message = (line or " ").encode(errors="replace")[:LONGEST_EVENT]
        if len(self._events) == MOST_EVENTS or self._bytes + len(message) + EVENT_BYTES > MOST_BYTES:
            self.flush()
        self._events.append({"timestamp": time.time_ns() // 1_000_000, "message": message.decode(errors="ignore")})
        self._bytes += len(message) + EVENT_BYTES
        if time.monotonic() - self._sent > SECONDS_BETWEEN_CALLS:
            self.flush()

    def flush(self) -> None:
        """Send what has gathered."""
        events, self._events, self._bytes = self._events, [], 0
        self._sent = time.monotonic()
        if events:
            self._call(lambda: self._client.put_log_events(**self._where, logEvents=events))

    def _create(self) -> None:
        for create, names in (
            (self._client.create_log_group, ("logGroupName",)),
            (self._client.create_log_stream, ("logGroupName", "logStreamName")),
        ):
            try:
                create(**{name: self._where[name] for name in names})
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue

    def _call(self, call: Any) -> None:
        if self.failure:
            return
        try:
            with aws_errors(f"Could not write to the CloudWatch log stream {self._where['logStreamName']}"):
                call()
        except ActionError as failed:
            self.failure = failed
