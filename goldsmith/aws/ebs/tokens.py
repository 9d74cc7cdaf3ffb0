"""Block tokens and page tokens: sealed, so that only what was listed can be read, and only for a while."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import TYPE_CHECKING

from goldsmith.aws.ebs.refusals import invalid
from goldsmith.catalog.vault import VaultError

if TYPE_CHECKING:
    from goldsmith.catalog.vault import Vault

BLOCK_SECONDS = 7 * 86400
PAGE_SECONDS = 3600

_BLOCK = struct.Struct("<d32s")
_PAGE = struct.Struct("<dQ")


def block_token(vault: Vault, snapshot: str, index: int, digest: bytes, expires: float) -> str:
    """Return the token with which one block of one snapshot can be read until ``expires``."""
    return _text(vault.seal(f"block {index} of {snapshot}", _BLOCK.pack(expires, digest)))


def read_block_token(vault: Vault, snapshot: str, index: int, token: str, now: float) -> bytes:
    """Return the digest of the block that a token is for. Raises AwsError for any other token."""
    try:
        expires, digest = _BLOCK.unpack(vault.unseal(f"block {index} of {snapshot}", _bytes(token)))
    except (VaultError, ValueError, struct.error):
        raise invalid("INVALID_BLOCK_TOKEN", "The block token is not valid for this block.") from None
    if expires < now:
        raise invalid("INVALID_BLOCK_TOKEN", "The block token has expired.")
    return bytes(digest)


def page_token(vault: Vault, question: str, index: int, now: float) -> str:
    """Return the token with which a listing goes on at block ``index``."""
    return _text(vault.seal(f"page {question}", _PAGE.pack(now + PAGE_SECONDS, index)))


def read_page_token(vault: Vault, question: str, token: str, now: float) -> int:
    """Return the block at which a listing goes on. Raises AwsError for a token of another listing."""
    try:
        expires, index = _PAGE.unpack(vault.unseal(f"page {question}", _bytes(token)))
    except (VaultError, ValueError, struct.error):
        raise invalid("INVALID_PAGE_TOKEN", "The page token is not valid for this listing.") from None
    if expires < now:
        raise invalid("INVALID_PAGE_TOKEN", "The page token has expired.")
    return int(index)


def _text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode()


def _bytes(token: str) -> bytes:
    try:
        return base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise ValueError(token) from wrong
