"""One delivery to a webhook: a POST that is signed, limited in time and follows no redirect."""

from __future__ import annotations

import hashlib
import hmac
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.events.webhook import Webhook

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
SIGNATURE = "X-Goldsmith-Signature"
EVENT_ID = "X-Goldsmith-Event-Id"
ATTEMPT = "X-Goldsmith-Attempt"


class DeliveryError(GoldsmithError):
    """A webhook did not take an event; ``answered`` tells whether there was an answer at all."""

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


def sign(secret: str, body: bytes, now: float) -> str:
    """Return the signature's header: the time of signing, and the HMAC-SHA256 of ``time.body`` in hexadecimal."""
    stamp = str(int(now))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def post(pool: urllib3.PoolManager, hook: Webhook, event: Mapping[str, Any], *, attempt: int, now: float) -> None:
    """Send an event. Raises DeliveryError when the answer is none of 200 to 299, or does not come."""
    body = json.dumps(event, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "goldsmith",
        EVENT_ID: str(event["id"]),
        ATTEMPT: str(attempt),
        SIGNATURE: sign(hook.secret.get_secret_value(), body, now),
    }
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    try:
        answer = pool.request(
            "POST",
            hook.url,
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except (urllib3.exceptions.HTTPError, ValueError) as failure:
        raise DeliveryError(f"{hook.host} did not answer ({type(failure).__name__}).", answered=False) from None
    status = answer.status
    answer.close()
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise DeliveryError(f"{hook.host} answered with {status}.", answered=True)
