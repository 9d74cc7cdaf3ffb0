"""Key pairs as such: making them, reading public keys in the forms people have them in, and their fingerprints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from goldsmith.aws.ec2.putty_key import putty_key
from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

RSA_BITS = 2048
FEWEST_BITS, MOST_BITS = 1024, 8192
LARGEST = 16384
"""Bytes of a public key that is read."""


@dataclass(frozen=True)
class KeyMaterial:
    """A key's public half: its kind, its OpenSSH line without a comment, and the fingerprint that EC2 shows of it."""

    kind: str
    public_key: str
    fingerprint: str


def make_key(kind: str, key_format: str, name: str) -> tuple[KeyMaterial, str]:
    """Return a new key, "rsa" or "ed25519", and its private half as text.

    The text is "pem" (PKCS#1, for ED25519 OpenSSH's own), or "ppk", PuTTY's form, with ``name`` as its comment.
    """
    private: PrivateKey
    if kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        der = private.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
        fingerprint = _colons(hashlib.sha1(der).hexdigest())  # noqa: S324 - EC2's fingerprint of keys that it made
        layout = form.PrivateFormat.TraditionalOpenSSL
    else:
        private = ed25519.Ed25519PrivateKey.generate()
        fingerprint = _ssh_fingerprint(private.public_key())
        layout = form.PrivateFormat.OpenSSH
    material = KeyMaterial(kind, _line(private.public_key()), fingerprint)
    if key_format == "ppk":
        return material, putty_key(private, material.public_key, name)
    return material, private.private_bytes(form.Encoding.PEM, layout, form.NoEncryption()).decode().rstrip("\n")


def read_public_key(data: bytes) -> KeyMaterial:
    """Return the key in a file's bytes: OpenSSH's line, RFC 4716, DER or PEM, or one of these in base 64.

    Raises AwsError for anything else, and for kinds of keys that EC2 does not take.
    """
    key = _load(data.strip()) if len(data) <= LARGEST else None
    if key is None:
        raise AwsError("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return KeyMaterial("ed25519", _line(key), _ssh_fingerprint(key))
    if not FEWEST_BITS <= key.key_size <= MOST_BITS:
        raise AwsError("InvalidKey.Format", f"An RSA key has {FEWEST_BITS} to {MOST_BITS} bits.")
    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    fingerprint = _colons(hashlib.md5(der).hexdigest())  # noqa: S324 - EC2's fingerprint of imported keys
    return KeyMaterial("rsa", _line(key), fingerprint)


def _load(data: bytes) -> PublicKey | None:
    for attempt in (data, _from_base64(data)):
        for read in (_load_openssh, _load_rfc4716, _load_der, _load_pem):
            try:
                key = read(attempt)
            except (ValueError, UnsupportedAlgorithm, IndexError):
                continue
            if isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
                return key
    return None


def _load_openssh(data: bytes) -> object:
    algorithm, blob, *_ = data.split(b"\n")[0].split()
    return form.load_ssh_public_key(b" ".join((algorithm, blob)))


def _load_rfc4716(data: bytes) -> object:
    """Read "---- BEGIN SSH2 PUBLIC KEY ----": headers, which may go on after a backslash, then base 64."""
    found = re.fullmatch(
        rb"---- BEGIN SSH2 PUBLIC KEY ----\r?\n(.*?)\r?\n---- END SSH2 PUBLIC KEY ----", data, re.DOTALL
    )
    if found is None:
        raise ValueError("no RFC 4716 key")
    joined = re.sub(rb"\\\r?\n", b"", found[1])
    blob = b"".join(line.strip() for line in joined.splitlines() if b":" not in line)
    raw = base64.b64decode(blob, validate=True)
    algorithm = raw[4 : 4 + int.from_bytes(raw[:4], "big")]
    return form.load_ssh_public_key(algorithm + b" " + blob)


def _load_der(data: bytes) -> object:
    return form.load_der_public_key(data)


def _load_pem(data: bytes) -> object:
    return form.load_pem_public_key(data)


def _from_base64(data: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(data.split()), validate=True).strip()
    except binascii.Error:
        return b""


def _line(key: PublicKey) -> str:
    return key.public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()


def _ssh_fingerprint(key: PublicKey) -> str:
    blob = base64.b64decode(_line(key).split()[1])
    return base64.b64encode(hashlib.sha256(blob).digest()).decode()


def _colons(digest: str) -> str:
    return ":".join(re.findall("..", digest))
