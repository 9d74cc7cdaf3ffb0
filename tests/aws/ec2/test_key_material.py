"""Keys: read in the forms that ssh-keygen writes, with the fingerprints that its and openssl's users compare."""

from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.aws.ec2.key_material import make_key, read_public_key
from goldsmith.aws.errors import AwsError


def run(*argv: str, data: bytes = b"") -> bytes:
    return subprocess.run(argv, input=data, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A key of each kind as ssh-keygen makes it: the paths of their private halves."""
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("rsa", "ed25519", "ecdsa"):
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", str(folder / kind))
    return folder


def forms(path) -> dict[str, bytes]:
    openssh = path.with_suffix(".pub").read_bytes()
    return {
        "openssh": openssh,
        "twice in base 64": base64.b64encode(openssh),
        "rfc 4716": run("ssh-keygen", "-e", "-m", "RFC4716", "-f", str(path)),
    }


@pytest.mark.sandbox
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_every_form_is_the_same_key(keys, kind):
    read = {name: read_public_key(data) for name, data in forms(keys / kind).items()}
    assert len(set(read.values())) == 1
    assert read["openssh"].public_key == " ".join((keys / f"{kind}.pub").read_text().split()[:2])


@pytest.mark.sandbox
def test_an_imported_rsa_key_has_openssls_md5(keys):
    pem = run("ssh-keygen", "-e", "-m", "PKCS8", "-f", str(keys / "rsa"))
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", data=pem)
    told = run("openssl", "md5", "-c", data=der).decode().split()[-1]
    assert read_public_key(pem).fingerprint == told
    assert read_public_key(der).fingerprint == told
    assert read_public_key(base64.b64encode(der)).fingerprint == told


@pytest.mark.sandbox
def test_an_ed25519_key_has_ssh_keygens_sha256(keys):
    told = run("ssh-keygen", "-lf", str(keys / "ed25519")).decode().split()[1]
    assert f"SHA256:{read_public_key((keys / 'ed25519.pub').read_bytes()).fingerprint}" == f"{told}="


@pytest.mark.sandbox
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_private_half_is_of_the_key(kind, tmp_path):
    material, private = make_key(kind, "pem", "mine")
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(private + "\n")
    assert run("ssh-keygen", "-y", "-f", str(file)).decode().split()[:2] == material.public_key.split()


@pytest.mark.sandbox
def test_a_made_rsa_key_has_openssls_sha1_of_its_private_half():
    material, private = make_key("rsa", "pem", "mine")
    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----")
    der = run("openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=private.encode())
    assert material.fingerprint == run("openssl", "sha1", "-c", data=der).decode().split()[-1]


@pytest.mark.sandbox
def test_other_kinds_are_refused(keys):
    with pytest.raises(AwsError, match=r"InvalidKey\.Format"):
        read_public_key((keys / "ecdsa.pub").read_bytes())


@pytest.mark.sandbox
def test_options_before_a_key_are_not_taken_over(keys):
    line = b'command="rm -rf /" ' + (keys / "ed25519.pub").read_bytes()
    with pytest.raises(AwsError, match=r"InvalidKey\.Format"):
        read_public_key(line)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_whatever_else_comes_is_refused(data):
    with pytest.raises(AwsError, match=r"InvalidKey\.Format"):
        read_public_key(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_is_in_the_frame_of_rfc_4716_is_refused(data):
    framed = b"---- BEGIN SSH2 PUBLIC KEY ----\n" + data + b"\n---- END SSH2 PUBLIC KEY ----"
    with pytest.raises(AwsError, match=r"InvalidKey\.Format"):
        read_public_key(framed)
