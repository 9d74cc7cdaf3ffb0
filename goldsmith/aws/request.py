"""A request as it came over the wire, before anything of it is believed, and what goes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from goldsmith.aws.wire.query import parse_form

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class WireRequest:
    """Method, raw path and query (as signed), headers by lower-case name, body; ``host`` is the caller's address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    host: str = ""

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The query string's fields, the last of each name."""
        return dict(parse_form(self.query))

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a query-protocol request: those in the URL and those of a form in the body."""
        fields = self.arguments
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.method == "POST" and kind in {"application/x-www-form-urlencoded", ""}:
            fields = fields | dict(parse_form(self.body.decode("utf-8", errors="replace")))
        return fields


@dataclass(frozen=True)
class WireAnswer:
    """What goes back over the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
