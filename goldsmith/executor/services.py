"""What a run needs from outside the guest: AWS clients, components by ARN, instance metadata."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.documents.component import ComponentDocument


def aws_client(service: str) -> Any:
    """Return a boto3 client from the host's own configuration; AWS_ENDPOINT_URL is honoured."""
    import boto3  # noqa: PLC0415  # half a second that runs without AWS do not pay

    return boto3.client(service)  # type: ignore[call-overload]


def _nothing(_: str) -> None:
    return None


@dataclass(frozen=True)
class Services:
    """The outside world as callables.

    ``find_component`` gives the document of a component build version ARN. ``instance_metadata`` gives the value
    of a path below ``meta-data/``. Both give None for what they do not know. ``client`` gives a boto3 client by
    service name. ``pause`` waits between the attempts of a download.
    """

    find_component: Callable[[str], ComponentDocument | None] = _nothing
    instance_metadata: Callable[[str], str | None] = _nothing
    client: Callable[[str], Any] = aws_client
    account_id: str = "000000000000"
    region: str = "us-east-1"
    pause: Callable[[float], None] = time.sleep
