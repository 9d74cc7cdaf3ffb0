"""Private keys in PuTTY's own form, version 2 (PuTTY manual, appendix C, "PPK file format")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from textwrap import wrap
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ed25519

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

MAC_KEY = b"putty-private-key-file-mac-key"
COLUMNS = 64


def putty_key(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, public_line: str, comment: str) -> str:
    """Return an unencrypted .ppk file; ``public_line`` is the key's OpenSSH line."""
    algorithm, encoded = public_line.split()[:2]
    public, secret = base64.b64decode(encoded), _secret(private)
    signed = b"".join(_string(part) for part in (algorithm.encode(), b"none", comment.encode(), public, secret))
    mac = hmac.new(hashlib.sha1(MAC_KEY).digest(), signed, hashlib.sha1).hexdigest()  # noqa: S324 - the format's own
    return "\n".join(
        (
            f"PuTTY-User-Key-File-2: {algorithm}",
            "Encryption: none",
            f"Comment: {comment}",
            *_lines("Public", public),
            *_lines("Private", secret),
            f"Private-MAC: {mac}",
        )
    )


def _secret(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        seed = private.private_bytes(form.Encoding.Raw, form.PrivateFormat.Raw, form.NoEncryption())
        return _string(seed)
    numbers = private.private_numbers()
    return b"".join(_number(each) for each in (numbers.d, numbers.p, numbers.q, numbers.iqmp))


def _lines(half: str, blob: bytes) -> list[str]:
    lines = wrap(base64.b64encode(blob).decode(), COLUMNS)
    return [f"{half}-Lines: {len(lines)}", *lines]


def _string(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _number(value: int) -> bytes:
    """Return a positive number as SSH writes it: a byte more than it needs where its highest bit is set."""
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))
