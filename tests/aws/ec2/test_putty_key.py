"""PuTTY's form: what the manual's appendix says, checked by its own rules."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest

from goldsmith.aws.ec2.key_material import make_key


def blob(text: str, half: str) -> bytes:
    found = re.search(rf"{half}-Lines: (\d+)\n((?:[A-Za-z0-9+/=]+\n)+)", text)
    lines = found[2].split()[: int(found[1])]
    assert len(lines) == int(found[1])
    return base64.b64decode("".join(lines))


def parts(data: bytes) -> list[bytes]:
    out = []
    while data:
        size = int.from_bytes(data[:4], "big")
        out.append(data[4 : 4 + size])
        data = data[4 + size :]
    return out


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_the_public_half_is_the_keys_and_the_sum_holds(kind):
    material, text = make_key(kind, "ppk", "mine")
    algorithm, encoded = material.public_key.split()
    assert text.startswith(f"PuTTY-User-Key-File-2: {algorithm}\nEncryption: none\nComment: mine\n")
    public, private = blob(text, "Public"), blob(text, "Private")
    assert public == base64.b64decode(encoded)
    signed = b"".join(
        len(part).to_bytes(4, "big") + part for part in (algorithm.encode(), b"none", b"mine", public, private)
    )
    key = hashlib.sha1(b"putty-private-key-file-mac-key").digest()  # noqa: S324 - the format's own
    assert text.endswith(f"Private-MAC: {hmac.new(key, signed, hashlib.sha1).hexdigest()}")


def test_an_rsa_keys_primes_are_those_of_its_modulus():
    _, text = make_key("rsa", "ppk", "mine")
    _, exponent, modulus = (int.from_bytes(part, "big") for part in parts(blob(text, "Public")))
    private, p, q, inverse = (int.from_bytes(part, "big") for part in parts(blob(text, "Private")))
    assert p * q == modulus
    assert (exponent * private) % (p - 1) == 1
    assert (q * inverse) % p == 1
