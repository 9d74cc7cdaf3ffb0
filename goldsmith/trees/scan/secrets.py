"""Secrets by their content: a fast pattern that suspects, and for each kind an exact one that knows."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEFORE = 512
AFTER = 4096
"""How far around a suspicion the exact pattern looks, in bytes."""

MANY = 2000
"""Suspicions in one piece from which on the exact patterns read all of it, which then is quicker."""

_START = rb"(?<![A-Za-z0-9_-])"
_END = rb"(?![A-Za-z0-9_-])"


@dataclass(frozen=True)
class Secret:
    """A kind of secret. ``suspect`` is RE2 and cheap, ``exact`` is Python's; ``shown`` bytes of a match may be shown.

    ``judge`` has the last word on a match.
    """

    rule: str
    suspect: bytes
    exact: re.Pattern[bytes]
    shown: int
    judge: Callable[[re.Match[bytes]], bool] = lambda _: True


def _varied(match: re.Match[bytes]) -> bool:
    """Real key material uses many characters; xxxx and AAAA in an example do not."""
    return len(set(match["body"])) >= 8  # noqa: PLR2004 - a random text of 20 characters has 9 with near certainty


def _not_an_example(match: re.Match[bytes]) -> bool:
    return b"EXAMPLE" not in match[0].upper() and _varied(match)


def _decoded(part: bytes) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _signed_token(match: re.Match[bytes]) -> bool:
    header, claims = _decoded(match["header"]), _decoded(match["claims"])
    return isinstance(header, dict) and isinstance(claims, dict) and str(header.get("alg", "none")).lower() != "none"


def _login(match: re.Match[bytes]) -> bool:
    try:
        user, colon, password = base64.b64decode(match["body"], validate=True).partition(b":")
    except binascii.Error:
        return False
    return bool(user and colon and password)


def _token(rule: str, suspect: bytes, prefix: bytes, body: bytes, shown: int) -> Secret:
    return Secret(rule, suspect, re.compile(_START + prefix + b"(?P<body>" + body + b")" + _END), shown, _varied)


_GAP = rb"""(?:\s|\\[nr]|["',+])"""

SECRETS = (
    Secret(
        "private-key",
        rb"PRIVATE KEY",
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            + _GAP
            + rb"+(?:[A-Z][A-Za-z-]{1,30}: [^\r\n\\]{0,200}"
            + _GAP
            + rb"+){0,6}(?P<body>[A-Za-z0-9+/]{32})"
        ),
        27,
        _varied,
    ),
    Secret(
        "private-key",
        rb"PuTTY-User-Key-File-",
        re.compile(rb"PuTTY-User-Key-File-[0-9]: [\x20-\x7e\r\n]{1,3500}?Private-Lines: [1-9][0-9]?\s+[A-Za-z0-9+/]"),
        21,
    ),
    Secret(
        "private-key",
        rb"AGE-SECRET-KEY-1",
        re.compile(_START + rb"AGE-SECRET-KEY-1(?P<body>[0-9A-Z]{58})"),
        16,
        _varied,
    ),
    Secret(
        "aws-access-key",
        rb"A[KS]IA[A-Z2-7]{16}",
        re.compile(
            rb"(?<![A-Za-z0-9/+])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9/+])[^\0]{0,400}?"
            rb"(?<![A-Za-z0-9/+=])(?P<body>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        4,
        _not_an_example,
    ),
    Secret(
        "aws-access-key",
        rb"(?i:aws_?secret_?access_?key|secretaccesskey)",
        re.compile(
            rb"(?i:(?:aws_?)?secret_?access_?key)[\"']?\s{0,8}[=:]{1,2}>?\s{0,8}[\"']?"
            rb"(?P<body>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        10,
        _not_an_example,
    ),
    _token("github-token", rb"gh[pousr]_[A-Za-z0-9]{20}", rb"gh[pousr]_", rb"[A-Za-z0-9]{36,255}", 4),
    _token("github-token", rb"github_pat_[A-Za-z0-9]", rb"github_pat_", rb"[A-Za-z0-9_]{50,255}", 11),
    _token(
        "gitlab-token",
        rb"gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_-]{8}",
        rb"gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent)-",
        rb"[A-Za-z0-9_-]{20,100}",
        4,
    ),
    _token("slack-token", rb"xox[abeoprs]-[0-9A-Za-z]", rb"xox[abeoprs]-", rb"[0-9A-Za-z-]{24,250}", 5),
    _token("slack-token", rb"xapp-[0-9]-", rb"xapp-[0-9]-", rb"[0-9A-Za-z-]{30,250}", 5),
    _token(
        "slack-token",
        rb"hooks\.slack\.com/services/T",
        rb"hooks\.slack\.com/services/",
        rb"T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,30}",
        24,
    ),
    _token("stripe-key", rb"[sr]k_live_[A-Za-z0-9]", rb"[sr]k_live_", rb"[A-Za-z0-9]{20,250}", 8),
    _token("google-key", rb"AIza[A-Za-z0-9_-]{20}", rb"AIza", rb"[A-Za-z0-9_-]{35}", 4),
    _token("google-key", rb"GOCSPX-[A-Za-z0-9_-]{8}", rb"GOCSPX-", rb"[A-Za-z0-9_-]{28}", 7),
    _token("google-key", rb"ya29\.[A-Za-z0-9_-]{20}", rb"ya29\.", rb"[A-Za-z0-9_-]{40,400}", 5),
    _token("npm-token", rb"npm_[A-Za-z0-9]{20}", rb"npm_", rb"[A-Za-z0-9]{36}", 4),
    _token("pypi-token", rb"pypi-AgE[A-Za-z0-9_-]", rb"pypi-AgE", rb"[A-Za-z0-9_-]{50,500}", 8),
    _token("docker-token", rb"dckr_[po]at_", rb"dckr_[po]at_", rb"[A-Za-z0-9_-]{20,100}", 9),
    Secret(
        "registry-login",
        rb'"auth"[ \t\r\n]*:[ \t\r\n]*"[A-Za-z0-9+/]{6}',
        re.compile(rb'"auth"\s{0,8}:\s{0,8}"(?P<body>[A-Za-z0-9+/]{6,2000}={0,2})"'),
        6,
        _login,
    ),
    Secret(
        "json-web-token",
        rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ",
        re.compile(
            _START + rb"(?P<header>eyJ[A-Za-z0-9_-]{10,1000})\.(?P<claims>eyJ[A-Za-z0-9_-]{4,3000})\.[A-Za-z0-9_-]{20}"
        ),
        3,
        _signed_token,
    ),
    Secret(
        "cloud-credentials",
        rb'"(?:refresh_token|client_?[sS]ecret)"',
        re.compile(rb'"(?:refresh_token|client_?[sS]ecret)"\s{0,8}:\s{0,8}"(?P<body>[A-Za-z0-9/._~+-]{16,2000})"'),
        8,
        _not_an_example,
    ),
    Secret(
        "cloud-credentials",
        rb"AccountKey=[A-Za-z0-9+/]{20}",
        re.compile(rb"AccountKey=(?P<body>[A-Za-z0-9+/]{86})=="),
        11,
        _varied,
    ),
    _token("digitalocean-token", rb"do[opr]_v1_[a-f0-9]{20}", rb"do[opr]_v1_", rb"[a-f0-9]{64}", 7),
    _token("vault-token", rb"hv[bs]\.[A-Za-z0-9_-]{24}", rb"hv[bs]\.", rb"[A-Za-z0-9_-]{24,500}", 4),
    _token("tailscale-key", rb"tskey-[a-z]{3,8}-", rb"tskey-[a-z]{3,8}-", rb"[A-Za-z0-9-]{20,100}", 6),
    _token("sendgrid-key", rb"SG\.[A-Za-z0-9_-]{22}\.", rb"SG\.", rb"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", 3),
    _token("hugging-face-token", rb"hf_[A-Za-z]{30}", rb"hf_", rb"[A-Za-z]{34}", 3),
    _token(
        "language-model-key", rb"sk-(?:ant|proj)-[A-Za-z0-9_-]{20}", rb"sk-(?:ant|proj)-", rb"[A-Za-z0-9_-]{40,250}", 7
    ),
)


def _fast(pattern: bytes) -> re2.Pattern[bytes]:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.never_capture = True
    return re2.compile(pattern, options)


_SUSPECT = _fast(b"|".join(b"(?:" + secret.suspect + b")" for secret in SECRETS))
_KINDS = [_fast(secret.suspect) for secret in SECRETS]


@dataclass(frozen=True)
class Sighting:
    """A secret in a piece of a file: where it starts there, and what of it."""

    rule: str
    start: int
    found: bytes
    excerpt: str


def sightings(piece: memoryview) -> list[Sighting]:
    """Return the secrets in ``piece``, by where they start."""
    if not _SUSPECT.search(piece):
        return []
    data = bytes(piece)
    found = {
        (sighting.start, sighting.rule): sighting
        for kind, places in _windows(data).items()
        for start, end in places
        for sighting in _exact(SECRETS[kind], data[start:end], start)
    }
    return [found[key] for key in sorted(found)]


def _windows(data: bytes) -> dict[int, list[list[int]]]:
    """Return for each kind of secret that is suspected the stretches of ``data`` to look at exactly."""
    windows: dict[int, list[list[int]]] = {}
    for count, suspicion in enumerate(_SUSPECT.finditer(data)):
        if count == MANY:
            return {kind: [[0, len(data)]] for kind in range(len(SECRETS))}
        for kind, pattern in enumerate(_KINDS):
            if pattern.match(suspicion[0]):
                _widen(windows.setdefault(kind, []), suspicion.start())
    return windows


def _widen(windows: list[list[int]], place: int) -> None:
    """Add a window around ``place``, joined with the last one where they meet, so that no byte is matched twice."""
    start, end = max(0, place - BEFORE), place + AFTER
    if windows and start <= windows[-1][1]:
        windows[-1][1] = end
    else:
        windows.append([start, end])


def _exact(secret: Secret, window: bytes, start: int) -> Iterator[Sighting]:
    for match in secret.exact.finditer(window):
        if secret.judge(match):
            shown = match[0][: secret.shown].decode("ascii", "replace")
            yield Sighting(secret.rule, start + match.start(), match[0], f"{shown}… {len(match[0])} bytes")
