"""The states of an image (3.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.catalog.resources import Resource

ACTIVE = ("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING")
ENDS = ("AVAILABLE", "FAILED", "CANCELLED")
"""What a build ends in."""

FINAL = (*ENDS, "DEPRECATED", "DISABLED", "DELETED")


def in_state(image: Resource, status: str, reason: str = "", failure: Mapping[str, Any] | None = None) -> Resource:
    """Return an image's record in another state; ``failure`` is a failureContext."""
    state: dict[str, Any] = {"status": status}
    if reason:
        state["reason"] = reason[:1024]
    if failure:
        state["failureContext"] = dict(failure)
    return replace(image, state=status, document={**image.document, "state": state})
