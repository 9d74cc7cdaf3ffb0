"""The instance metadata service's answers: a request in, a response out, nothing else touched."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from goldsmith.machines.metadata import VERSIONS, leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.machines.metadata import InstanceMetadata

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path, not a secret
TOKEN_HEADER = "x-aws-ec2-metadata-token"  # noqa: S105 - a header's name
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
LONGEST_TTL = 21600
"""Seconds that a token may live (EC2 user guide, "Use IMDSv2")."""


@dataclass(frozen=True)
class Request:
    """A request's line and headers; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """What goes back: a status, a body of text or the user data's bytes, headers beyond the usual."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(request: Request, instance: InstanceMetadata, *, secret: bytes, now: float) -> Response:
    """Answer one request as EC2's instance metadata service does.

    ``secret`` signs this machine's tokens and ``now`` (seconds since the epoch) ends them; a token says itself
    until when it holds, so that nothing has to be remembered.
    """
    if not instance.enabled:
        return refuse(HTTPStatus.FORBIDDEN)
    path = request.path.partition("?")[0]
    if request.method == "PUT":
        return _token(path, request.headers, secret, now)
    if request.method not in {"GET", "HEAD"}:
        return refuse(HTTPStatus.METHOD_NOT_ALLOWED)
    token = request.headers.get(TOKEN_HEADER)
    if token is None:
        if instance.tokens_required:
            return refuse(HTTPStatus.UNAUTHORIZED)
    elif not _holds(token, secret, now):
        return refuse(HTTPStatus.UNAUTHORIZED)
    return _look_up(path, instance)


def refuse(status: HTTPStatus) -> Response:
    """Return an error page in the service's manner."""
    title = f"{status.value} - {status.phrase}"
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n'
        '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        f" <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    )
    return Response(status, page.encode(), "text/html")


def _token(path: str, headers: Mapping[str, str], secret: bytes, now: float) -> Response:
    if path != TOKEN_PATH:
        return refuse(HTTPStatus.FORBIDDEN if path.endswith("/api/token") else HTTPStatus.METHOD_NOT_ALLOWED)
    if "x-forwarded-for" in headers:
        return refuse(HTTPStatus.FORBIDDEN)
    ttl = headers.get(TTL_HEADER, "")
    if not re.fullmatch(r"[0-9]{1,5}", ttl) or not 1 <= int(ttl) <= LONGEST_TTL:
        return refuse(HTTPStatus.BAD_REQUEST)
    until = f"{int(now) + int(ttl):x}"
    return Response(HTTPStatus.OK, f"{until}.{_sign(until, secret)}".encode(), headers={TTL_HEADER: ttl})


def _holds(token: str, secret: bytes, now: float) -> bool:
    until, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _sign(until, secret).encode()):
        return False
    return int(until, 16) > now


def _sign(until: str, secret: bytes) -> str:
    return hmac.new(secret, until.encode(), hashlib.sha256).hexdigest()


def _look_up(path: str, instance: InstanceMetadata) -> Response:
    """Answer a value, a folder's listing, or 404; doubled and trailing slashes are forgiven as EC2 forgives them."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return _text("\n".join(VERSIONS))
    if parts[0] not in VERSIONS:
        return refuse(HTTPStatus.NOT_FOUND)
    values = leaves(instance)
    name = "/".join(parts[1:])
    if name in values:
        kind = "application/octet-stream" if name == "user-data" else "text/plain"
        return Response(HTTPStatus.OK, values[name], kind)
    if name == "meta-data/public-keys" and instance.public_keys:
        return _text("\n".join(f"{number}={key}" for number, key in enumerate(instance.public_keys)))
    listing = list_folder(values, name)
    if not listing:
        return refuse(HTTPStatus.NOT_FOUND)
    return _text("\n".join(listing if name else (entry.rstrip("/") for entry in listing)))


def list_folder(values: Mapping[str, bytes], folder: str) -> list[str]:
    """Return the names directly in a folder, in order; those of folders end with a slash."""
    prefix = f"{folder}/" if folder else ""
    below = (path[len(prefix) :].partition("/") for path in values if path.startswith(prefix))
    return sorted({name + slash for name, slash, _ in below})


def _text(body: str) -> Response:
    return Response(HTTPStatus.OK, body.encode())
