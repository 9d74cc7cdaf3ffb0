"""Times on the wire: ISO 8601 in XML, seconds since the epoch in JSON; inside, ISO 8601 text in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Return a time as AWS writes it: 2024-05-01T12:00:00.000Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}Z"


def seconds(text: str) -> float:
    """Return seconds since the epoch of an ISO 8601 time; without a zone it is in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
