"""Fetching over HTTP: several attempts, redirects, nothing but a complete answer with status 200."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse, PoolManager

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.5
"""The pause doubles after each failed attempt."""

SOCKET_SECONDS = 30.0
REDIRECTS = 10

OK = 200
WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})

ALGORITHMS = {"MD5": hashlib.md5, "SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


class TransientError(ActionError):
    """A fetch failed in a way that another attempt may mend."""


def checked_url(url: str) -> str:
    """Return the URL. Raises ActionError unless it is http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ActionError(f"The source {url} is not an http or https address.")
    return url


@contextmanager
def opened(url: str, *, verify: bool, timeout: float | None) -> Iterator[BaseHTTPResponse]:
    """Open a URL, redirects followed, and give its body to read.

    ``timeout`` bounds each wait on the network in seconds. Raises TransientError or ActionError.
    """
    wait = min(SOCKET_SECONDS, timeout) if timeout else SOCKET_SECONDS
    try:
        with _pool(url, verify=verify) as pool:
            answer = pool.request(
                "GET",
                url,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=wait, read=wait),
                retries=urllib3.Retry(connect=0, read=0, other=0, status=0, redirect=REDIRECTS),
                headers={"Accept-Encoding": "identity", "User-Agent": "goldsmith"},
            )
            try:
                _check_status(url, answer.status)
                yield answer
            finally:
                answer.close()
    except (urllib3.exceptions.LocationValueError, urllib3.exceptions.URLSchemeUnknown) as wrong:
        raise ActionError(f"{url} leads to an address that is not http or https: {wrong}.") from wrong
    except urllib3.exceptions.HTTPError as failed:
        raise TransientError(f"Could not download {url}: {failed}.") from failed


def _check_status(url: str, status: int) -> None:
    if status == OK:
        return
    kind = TransientError if status in WORTH_ANOTHER_TRY else ActionError
    raise kind(f"Could not download {url}: the server answered with status {status}.")


def _pool(url: str, *, verify: bool) -> PoolManager:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme.lower())
    requirement = "CERT_REQUIRED" if verify else "CERT_NONE"
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, cert_reqs=requirement)
    return urllib3.PoolManager(cert_reqs=requirement)
