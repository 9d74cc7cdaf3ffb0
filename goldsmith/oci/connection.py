"""A registry over HTTP: who we are, what is tried again, and where we are sent (distribution specification 1.1).

The library oras was looked at: it neither mounts a blob from another repository, nor goes on with an upload that was
cut, nor knows referrers, and what is left of it is this module.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from goldsmith.oci.blobs import CHUNK, LARGEST_DOCUMENT, OciError
from goldsmith.oci.credentials import Login, find_login
from goldsmith.oci.registries_conf import is_insecure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.oci.reference import Reference

ATTEMPTS = 5
REDIRECTS = 5
_DOCKER_HUB_SERVER = "registry-1.docker.io"
_UNAUTHORIZED, _FORBIDDEN, _BUSY, _BROKEN = 401, 403, 429, 500
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_MEANT = "Look whether this is the registry that you mean, and what it logs."
_PARAMETER = re.compile(r'([a-zA-Z]+)="([^"]*)"')


class CutError(OciError):
    """The connection broke, or the registry could not answer now: it may be tried again."""


@dataclass(frozen=True)
class Answer:
    """What a registry answered; ``data`` is the whole of it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Connection:
    """Requests to one repository of a registry.

    HTTP without TLS is spoken where ``plain`` says so, to this host's loopback, and to what registries.conf calls
    insecure: pushes and pulls ask here.
    """

    def __init__(self, reference: Reference, *, plain: bool = False, login: Login | None = None) -> None:
        host = _DOCKER_HUB_SERVER if reference.host == "docker.io" else reference.host
        self.scheme = "http" if plain or reference.is_loopback or is_insecure(reference) else "https"
        self.base = f"{self.scheme}://{host}/v2/{reference.path}/"
        self.name = f"{reference.host}/{reference.path}"
        self._reference = reference
        self._login = login
        self._login_sought = login is not None
        self._authorization: dict[str, str] = {}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=20, read=300), retries=False)

    def close(self) -> None:
        """Close what is open."""
        self._pool.clear()

    def ask(
        self,
        method: str,
        place: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        scope: str = "pull",
        more_scopes: tuple[str, ...] = (),
        expected: frozenset[int] = frozenset({200}),
    ) -> Answer:
        """Return the registry's answer. ``place`` is below the repository, or a whole URL that the registry gave.

        Raises CutError when it may be tried again, OciError for any other answer than ``expected``, or one that is
        larger than documents are.
        """
        return self._read(
            self.stream(
                method, place, headers=headers, body=body, scope=scope, more_scopes=more_scopes, expected=expected
            )
        )

    def stream(
        self,
        method: str,
        place: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        scope: str = "pull",
        more_scopes: tuple[str, ...] = (),
        expected: frozenset[int] = frozenset({200}),
    ) -> urllib3.BaseHTTPResponse:
        """Return an answer that is still to be read; all else is as with `ask`."""
        url = urljoin(self.base, place)
        for _ in range(2):
            answer = self._send(method, url, {**(headers or {}), **self._authorized(url, scope)}, body)
            if answer.status != _UNAUTHORIZED or not self._logged_in(answer, scope, more_scopes):
                break
            answer.close()
        if answer.status not in expected:
            self._refuse(method, answer.status, self._read(answer).data)
        return answer

    def patiently(self, method: str, place: str, **more: Any) -> Answer:
        """Ask, and ask again with growing pauses while the connection breaks; for what may be asked twice."""
        for attempt in range(ATTEMPTS):
            try:
                return self.ask(method, place, **more)
            except CutError:
                if attempt == ATTEMPTS - 1:
                    raise
                pause(attempt)
        raise AssertionError

    def _read(self, answer: urllib3.BaseHTTPResponse) -> Answer:
        content = bytearray()
        try:
            for some in answer.stream(CHUNK):
                content += some
                if len(content) > LARGEST_DOCUMENT:
                    answer.close()
                    larger = f"a document of more than {LARGEST_DOCUMENT >> 20} MiB"
                    raise OciError(f"The registry {self.name} sent {larger}, which none has.", mend=_MEANT)
        except urllib3.exceptions.HTTPError as wrong:
            raise self._cut(wrong) from None
        answer.release_conn()
        return Answer(answer.status, answer.headers, bytes(content))

    def _cut(self, wrong: BaseException) -> CutError:
        return CutError(
            f"The connection to the registry {self.name} failed: {_cause(wrong)}.",
            mend="Look at its name and port, and whether this host reaches it.",
        )

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        for _ in range(REDIRECTS):
            try:
                answer = self._pool.request(
                    method, url, headers=headers, body=body or None, preload_content=False, redirect=False
                )
            except urllib3.exceptions.SSLError as wrong:
                raise OciError(
                    f"The registry {self.name} cannot be spoken to with TLS: {_cause(wrong)}.",
                    mend="One without TLS needs --plain-http, or insecure = true in containers' registries.conf.",
                ) from None
            except urllib3.exceptions.HTTPError as wrong:
                raise self._cut(wrong) from None
            target = answer.headers.get("Location", "")
            if answer.status not in _REDIRECTED or method not in {"GET", "HEAD"} or not target:
                return answer
            answer.close()
            following = urljoin(url, target)
            if urlsplit(following).scheme not in {"https", self.scheme}:
                raise OciError(
                    f"The registry {self.name} sends us to a place without TLS, which is not followed.", mend=_MEANT
                )
            if urlsplit(following).netloc != urlsplit(url).netloc:
                headers = {key: value for key, value in headers.items() if key != "Authorization"}
            url = following
        raise OciError(f"The registry {self.name} sends us from one place to the next.", mend=_MEANT)

    def _authorized(self, url: str, scope: str) -> dict[str, str]:
        """Return the header for a scope; only the registry itself is told who we are."""
        if urlsplit(url).netloc != urlsplit(self.base).netloc or scope not in self._authorization:
            return {}
        return {"Authorization": self._authorization[scope]}

    def _logged_in(self, answer: urllib3.BaseHTTPResponse, scope: str, more_scopes: tuple[str, ...]) -> bool:
        if not self._login_sought:
            self._login, self._login_sought = find_login(self._reference.host, self._reference.path), True
        challenge = answer.headers.get("WWW-Authenticate", "")
        kind = challenge.partition(" ")[0].lower()
        asked = {name.lower(): value for name, value in _PARAMETER.findall(challenge)}
        if kind == "bearer" and "realm" in asked:
            scopes = (f"repository:{self._reference.path}:{scope}", *more_scopes)
            self._authorization[scope] = "Bearer " + self._token(asked, scopes)
            return True
        if kind == "basic" and self._login and not self._login.identity_token:
            known = self._authorization.get(scope)
            self._authorization[scope] = self._login.basic
            return known != self._login.basic
        return False

    def _token(self, asked: Mapping[str, str], scopes: tuple[str, ...]) -> str:
        """Get a bearer token (distribution's token authentication; OAuth2 where there is an identity token)."""
        realm, login = asked["realm"], self._login
        if urlsplit(realm).scheme != "https" and not self._is_neighbour(realm):
            raise OciError(
                f"The registry {self.name} wants logins sent elsewhere without TLS, which is not done.", mend=_MEANT
            )
        service = {"service": asked["service"]} if "service" in asked else {}
        if login and login.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": "goldsmith"}
            words = urlencode({**form, **service, "scope": " ".join(scopes)}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._read(self._send("POST", realm, headers, words))
        else:
            query = urlencode([*service.items(), *(("scope", each) for each in scopes)])
            headers = {"Authorization": login.basic} if login else {}
            sent = self._send("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", headers, b"")
            answer = self._read(sent)
        if answer.status != 200:  # noqa: PLR2004 - HTTP's
            self._refuse("GET", answer.status, b"")
        try:
            found = json.loads(answer.data)
            return str(found.get("token") or found["access_token"])
        except (ValueError, KeyError, AttributeError):
            raise OciError(f"The registry {self.name} gave no token that can be read.", mend=_MEANT) from None

    def _is_neighbour(self, url: str) -> bool:
        """Tell whether a place without TLS is on the registry's own host, which speaks without it, too."""
        there = urlsplit(url)
        return there.scheme == self.scheme and there.hostname == urlsplit(self.base).hostname

    def _refuse(self, method: str, status: int, content: bytes) -> NoReturn:
        said = _said(content)
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            known = "with the login that is set" if self._login else "without a login"
            raise OciError(
                f"The registry does not let us use {self.name} {known} (HTTP {status}){said}",
                mend=f"Log in: skopeo login {self._reference.host} (or docker login, podman login).",
            )
        if status == _BUSY or status >= _BROKEN:
            raise CutError(f"The registry of {self.name} could not answer (HTTP {status}){said}", mend="Try it later.")
        raise OciError(f"The registry answered {method} for {self.name} with HTTP {status}{said}", mend=_MEANT)


def pause(attempt: int) -> None:
    """Wait before the next attempt: 0.2 s, then twice as long each time."""
    time.sleep(0.2 * 2**attempt)


def _said(content: bytes) -> str:
    """Return what a registry's error document says, as part of a sentence."""
    try:
        first = json.loads(content)["errors"][0]
        text = f"{first.get('code', '')} {first.get('message', '')}".strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        text = ""
    return f": {text[:300]}." if text else "."


def _cause(wrong: BaseException) -> str:
    """Return why, without the URL: an upload's may carry what lets one write there."""
    seen: BaseException | None = wrong
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        if isinstance(seen, ssl.SSLError):
            return (seen.reason or "it speaks no TLS").replace("_", " ").lower()
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        inner = [getattr(seen, "reason", None), seen.__cause__, seen.__context__, *seen.args]
        seen = next((each for each in inner if isinstance(each, BaseException)), None)
    if isinstance(wrong, urllib3.exceptions.TimeoutError):
        return "it did not answer in time"
    return "it closed the connection" if isinstance(wrong, urllib3.exceptions.ProtocolError) else type(wrong).__name__
