"""Secrets at rest: sealed with a key that is a file of its own, so that the database alone gives none away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from pathlib import Path

NONCE = 12
KEY = 32


class VaultError(GoldsmithError):
    """A secret cannot be read back."""


class Vault:
    """Seals with AES-256-GCM; what was sealed for one purpose does not open for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, file: Path) -> Vault:
        """Read the key from ``file``, which is made, readable to its owner only, where it is not there yet."""
        with suppress(FileExistsError):
            file.parent.mkdir(parents=True, exist_ok=True)
            arriving = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
            descriptor = os.open(arriving, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(secrets.token_bytes(KEY))
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(arriving, file)
            finally:
                arriving.unlink()
        key = file.read_bytes()
        if len(key) != KEY:
            raise VaultError(
                f"The key {file} has {len(key)} bytes instead of {KEY}.", mend="Restore it from a backup of the home."
            )
        return cls(key)

    def seal(self, purpose: str, secret: bytes) -> bytes:
        """Return ``secret`` encrypted for ``purpose``."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, purpose.encode())

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Return what was sealed for ``purpose``. Raises VaultError for anything else."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as wrong:
            raise VaultError(
                f"A secret ({purpose}) does not open with this home's key.",
                mend="The key and the database must be of the same home.",
            ) from wrong

    def seal_text(self, purpose: str, value: Any) -> str:
        """Return a JSON value sealed as text that fits a header or a URL."""
        sealed = self.seal(purpose, json.dumps(value, separators=(",", ":")).encode())
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal_text(self, purpose: str, text: str) -> Any:
        """Return the value of `seal_text`. Raises VaultError for anything else."""
        try:
            sealed = base64.urlsafe_b64decode(text.encode())
        except ValueError as wrong:
            raise VaultError(f"This is nothing that was sealed here ({purpose}).") from wrong
        return json.loads(self.unseal(purpose, sealed))

    def derive(self, purpose: str, name: str) -> str:
        """Return a secret of 40 characters that only this vault can make again from ``name``."""
        digest = hmac.new(self._key, f"{purpose}\0{name}".encode(), hashlib.sha256).digest()
        return base64.b64encode(digest)[:40].decode()
