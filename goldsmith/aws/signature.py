"""Who signed a request (AWS Signature Version 4): headers or a presigned URL, access keys or sessions.

A signature is good for 15 minutes, as on AWS, and from its first use for a few seconds only: whoever sees a request
pass cannot send it again later. Clients sign anew for each attempt, in whole seconds, so that they never notice.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.request import WireRequest
    from goldsmith.catalog.accounts import Credential

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = 15 * 60
"""Seconds that a caller's clock may be off."""

LONGEST_PRESIGNED = 7 * 24 * 3600
GOOD_AFTER_FIRST_USE = 5.0
REMEMBERED = 100_000
"""Signatures remembered; more within a quarter of an hour are 111 requests a second, and the oldest go."""

UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Scope:
    """What a request says of its signature: whose key, on which day, for which region and service."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    token: str = ""
    expires: int | None = None


def find_scope(request: WireRequest) -> Scope | None:
    """Return what the request says of its signature, None when it is not signed. Raises AwsError for a broken one."""
    header = request.headers.get("authorization", "")
    if header:
        return _header_scope(request, header)
    if "X-Amz-Algorithm" in request.arguments or "X-Amz-Signature" in request.arguments:
        return _query_scope(request.arguments)
    return None


class Verifier:
    """Tells who signed a request, and refuses what nobody signed, or somebody signed long ago."""

    def __init__(self, find: Callable[[str, str], Credential | None], clock: Callable[[], float] = time.time) -> None:
        self._find = find
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, request: WireRequest, scope: Scope) -> Credential:
        """Return the credential that signed ``request``. Raises AwsError with AWS's codes."""
        self._require_time(scope)
        credential = self._find(scope.key_id, scope.token)
        expected = _sign(request, scope, credential.secret if credential else "nobody's")
        right = hmac.compare_digest(expected.encode(), scope.signature.encode())
        if credential is None:
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
        if not right or not _body_matches(request):
            raise AwsError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.",
            )
        if credential.expires is not None and self._clock() >= credential.expires:
            raise AwsError("ExpiredToken", "The security token included in the request is expired")
        if scope.expires is None:
            self._require_fresh(scope.signature)
        return credential

    def _require_time(self, scope: Scope) -> None:
        moment = _moment(scope.timestamp)
        if not scope.timestamp.startswith(scope.date):
            raise AwsError("SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from ISO-8601.")
        age = self._clock() - moment
        if age < -SKEW or age > (SKEW if scope.expires is None else scope.expires):
            raise AwsError("RequestExpired", "Request has expired.")

    def _require_fresh(self, signature: str) -> None:
        now = time.monotonic()
        with self._lock:
            first = self._seen.setdefault(signature, now)
            while self._seen and (
                len(self._seen) > REMEMBERED or now - next(iter(self._seen.values())) > 2 * SKEW + GOOD_AFTER_FIRST_USE
            ):
                self._seen.popitem(last=False)
        if now - first > GOOD_AFTER_FIRST_USE:
            raise AwsError("RequestExpired", "Request has expired. It was sent before; sign it anew.")


def _header_scope(request: WireRequest, header: str) -> Scope:
    algorithm, _, rest = header.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        raise AwsError(
            "IncompleteSignature",
            f"Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters of {ALGORITHM}.",
        )
    timestamp = request.headers.get("x-amz-date") or ""
    return _scope(
        parts["Credential"],
        parts["SignedHeaders"],
        parts["Signature"],
        timestamp,
        request.headers.get("x-amz-security-token", ""),
    )


def _query_scope(arguments: dict[str, str]) -> Scope:
    needed = ("Algorithm", "Credential", "SignedHeaders", "Signature", "Date", "Expires")
    found = [arguments.get(f"X-Amz-{name}", "") for name in needed]
    if found[0] != ALGORITHM or not all(found):
        raise AwsError(
            "IncompleteSignature",
            "A presigned URL needs all of X-Amz-Algorithm, Credential, SignedHeaders, Signature, Date and Expires.",
        )
    expires = int(found[5]) if re.fullmatch(r"[0-9]{1,7}", found[5]) else 0
    if not 1 <= expires <= LONGEST_PRESIGNED:
        raise AwsError("AuthFailure", "X-Amz-Expires must be between 1 and 604800 seconds.")
    token = arguments.get("X-Amz-Security-Token", "")
    return _scope(found[1], found[2], found[3], found[4], token, expires)


def _scope(credential: str, headers: str, signature: str, date: str, token: str, expires: int | None = None) -> Scope:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):  # noqa: PLR2004 - SigV4's five parts
        raise AwsError(
            "IncompleteSignature",
            "Credential must have exactly 5 slash-delimited elements: keyid/date/region/service/aws4_request.",
        )
    signed = tuple(headers.lower().split(";"))
    if "host" not in signed:
        raise AwsError("IncompleteSignature", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    return Scope(parts[0], parts[1], parts[2], parts[3], signed, signature, date, token, expires)


def _moment(timestamp: str) -> float:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise AwsError(
            "IncompleteSignature", "Date must be in ISO-8601 'basic format', as in X-Amz-Date: 20240501T120000Z."
        ) from None


def _sign(request: WireRequest, scope: Scope, secret: str) -> str:
    """Return the signature that ``secret`` makes of this request (IAM user guide, "Create a signed AWS API request").

    botocore's signer would choose the headers itself; here the scope says which were signed.
    """
    canonical = "\n".join(
        (
            request.method,
            quote(_normal_path(request.path), safe="/~"),
            _canonical_query(request.query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in sorted(scope.signed_headers)),
            "",
            ";".join(sorted(scope.signed_headers)),
            _payload(request, scope),
        )
    )
    place = (scope.date, scope.region, scope.service, "aws4_request")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (*place, "\n".join((ALGORITHM, scope.timestamp, "/".join(place), digest))):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def _normal_path(path: str) -> str:
    """Remove dot segments and doubled slashes, as every service but S3 does."""
    normal = posixpath.normpath(path).replace("//", "/")
    return normal + "/" if path.endswith("/") and normal != "/" else normal


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part and not part.startswith("X-Amz-Signature="))
    return "&".join(f"{name}={value}" for name, _, value in sorted(pairs))


def _payload(request: WireRequest, scope: Scope) -> str:
    """Return the body's hash: as declared, which is compared with the body apart, or of the body itself."""
    if declared := request.headers.get("x-amz-content-sha256"):
        return declared
    if scope.expires is not None and request.method == "GET":
        return hashlib.sha256(b"").hexdigest()
    return hashlib.sha256(request.body).hexdigest()


def _body_matches(request: WireRequest) -> bool:
    """Compare the body with the hash that was signed in its stead; a body declared unsigned is let pass."""
    declared = request.headers.get("x-amz-content-sha256", "")
    if declared in {"", UNSIGNED}:
        return True
    return hmac.compare_digest(declared.encode(), hashlib.sha256(request.body).hexdigest().encode())
