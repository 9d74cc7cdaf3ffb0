"""Signatures: AWS's own signers are believed, and nobody else, and not for long."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import time
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as some

from goldsmith.aws.errors import AwsError
from goldsmith.aws.request import WireRequest
from goldsmith.aws.signature import Verifier, find_scope
from goldsmith.catalog.accounts import Account, Credential

ACCOUNT = Account("123456789012", "acme")
KEY = Credential("AKIAEXAMPLE", "secret/with+signs", ACCOUNT, "me", "admin")
HOST = "127.0.0.1:8580"


def find(key_id, token):
    return KEY if key_id == KEY.key_id and not token else None


def signed(
    method="POST", path="/", query="", body=b"Action=DescribeRegions", signer=SigV4Auth, service="ec2", **headers
):
    request = AWSRequest(method, f"http://{HOST}{path}{'?' + query if query else ''}", data=body, headers=headers)
    signer(Credentials(KEY.key_id, KEY.secret), service, "us-east-1").add_auth(request)
    parts = urlsplit(request.url)
    found = {"host": HOST, **{name.lower(): str(value) for name, value in request.headers.items()}}
    return WireRequest(method, parts.path or "/", parts.query, found, body)


def verified(request, verifier=None):
    scope = find_scope(request)
    assert scope is not None
    return (verifier or Verifier(find)).verify(request, scope)


def changed(request, **fields):
    values = {name: getattr(request, name) for name in ("method", "path", "query", "headers", "body")}
    return WireRequest(**{**values, **fields})


path_text = some.lists(
    some.text(some.characters(codec="ascii", exclude_characters="/?#%", min_codepoint=33), min_size=1), max_size=3
)


@given(some.binary(max_size=64), path_text)
def test_what_botocore_signs_is_believed(body, parts):
    from urllib.parse import quote

    path = "/" + "/".join(quote(part, safe="-_.~") for part in parts if part not in {".", ".."})
    assert verified(signed(path=path, body=body)) is KEY


@given(some.dictionaries(some.sampled_from(["a", "b", "pageToken", "x-y"]), some.text(max_size=8), max_size=3))
def test_query_strings_are_part_of_it(fields):
    from urllib.parse import urlencode

    assert verified(signed("GET", "/snapshots/snap-1/blocks", urlencode(fields), b"", service="ebs")) is KEY


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/other"},
        {"query": "Action=TerminateInstances"},
        {"body": b"Action=TerminateInstances"},
    ],
)
def test_what_was_changed_after_signing_is_refused(change):
    with pytest.raises(AwsError) as refused:
        verified(changed(signed(), **change))
    assert refused.value.code == "SignatureDoesNotMatch"


def test_a_body_that_differs_from_its_declared_hash_is_refused():
    digest = hashlib.sha256(b"one").hexdigest()
    request = signed(body=b"one", **{"X-Amz-Content-SHA256": digest})
    assert verified(request) is KEY
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        verified(changed(request, body=b"two"))


def test_an_unsigned_payload_is_let_pass_when_it_was_signed_as_such():
    request = signed(
        "PUT", "/snapshots/snap-1/blocks/0", body=b"data", service="ebs", **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    )
    assert verified(changed(request, body=b"other")) is KEY


def test_an_old_request_is_refused():
    request = signed()
    with pytest.raises(AwsError, match="RequestExpired"):
        verified(request, Verifier(find, lambda: time.time() + 16 * 60))
    with pytest.raises(AwsError, match="RequestExpired"):
        verified(request, Verifier(find, lambda: time.time() - 16 * 60))


def test_a_request_that_somebody_saw_cannot_be_sent_again_later(monkeypatch):
    verifier, request = Verifier(find), signed()
    assert verified(request, verifier) is KEY
    assert verified(request, verifier) is KEY  # within the second in which clients sign the same twice
    now = time.monotonic()
    monkeypatch.setattr("goldsmith.aws.signature.time.monotonic", lambda: now + 6)
    with pytest.raises(AwsError, match="sent before"):
        verified(request, verifier)


def test_a_presigned_url_is_good_until_it_says():
    request = signed(
        "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", b"", lambda *a: SigV4QueryAuth(*a, expires=60)
    )
    assert verified(request) is KEY
    with pytest.raises(AwsError, match="RequestExpired"):
        verified(request, Verifier(find, lambda: time.time() + 61))


@given(some.text(max_size=80))
def test_no_authorization_header_breaks_the_reading(text):
    request = WireRequest("POST", "/", "", {"host": HOST, "authorization": f"AWS4-HMAC-SHA256 {text}"})
    with contextlib.suppress(AwsError):
        find_scope(request)


def test_a_server_reads_only_so_much(served):
    address = urlsplit(served.url).netloc
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/", body=b"a" * (3 << 20))
    assert connection.getresponse().status == 413
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/", headers={f"X-{number}": "y" for number in range(150)})
    assert connection.getresponse().status == 413
