"""A webhook as cloud.yml has it: where events go, which, and the secret that signs them."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from goldsmith.documents.shape import AccountId, refuse
from goldsmith.pipelines.events.patterns import Pattern, PatternError, require_pattern, wants

if TYPE_CHECKING:
    from collections.abc import Mapping


class Webhook(BaseModel):
    """One receiver. Without ``events`` it gets all, without ``accounts`` those of every account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="https, or http on this host.")
    secret: Annotated[SecretStr, Field(min_length=16, description="Signs each delivery; at least 16 characters.")]
    events: tuple[Pattern, ...] = Field(default=(), description="Detail types with *, or EventBridge's patterns.")
    accounts: tuple[AccountId, ...] = ()
    allow_http: bool = Field(default=False, description="Send in the clear to other hosts.")

    @field_validator("events")
    @classmethod
    def _require_patterns(cls, events: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
        for pattern in events:
            try:
                require_pattern(pattern)
            except PatternError as wrong:
                raise refuse(f"{wrong.message} {wrong.mend}".strip()) from wrong
        return events

    @model_validator(mode="after")
    def _require_safe(self) -> Webhook:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as wrong:
            raise refuse("a webhook's url is no URL", at=("url",)) from wrong
        if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
            raise refuse("a webhook's url begins with https:// and a host, without a user", at=("url",))
        if parts.scheme == "http" and not (self.allow_http or _is_loopback(host)):
            raise refuse(
                "a webhook to another host takes https; allow_http: true sends events in the clear", at=("url",)
            )
        return self

    @property
    def id(self) -> str:
        """What its state on this host is kept under; it stays while the URL does."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def host(self) -> str:
        """Whom to name in logs: paths and queries of such URLs are often secrets."""
        return urlsplit(self.url).hostname or ""

    def wants(self, event: Mapping[str, Any]) -> bool:
        """Tell whether an event, as JSON, goes there."""
        if self.accounts and event.get("account") not in self.accounts:
            return False
        return not self.events or any(wants(pattern, event) for pattern in self.events)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
