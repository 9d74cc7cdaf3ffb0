"""Whatever is asked, however wrong, is answered in AWS's form and never by a fault of the server's."""

from __future__ import annotations

import base64
import json
import random
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.models import find_operation, service_model
from goldsmith.aws.request import WireRequest
from goldsmith.aws.wire.query import wire_name
from goldsmith.catalog.tables import RESOURCES
from tests.aws.asking import HINTS, Maker, UndoingDatabase, answer, answered_operations, fitting, kind_for
from tests.aws.furnishing import OWNER, furnished, owner_of

CAPACITY = {"InsufficientInstanceCapacity", "InsufficientVolumeCapacity", "RequestLimitExceeded"}
UNANSWERED = {"UnknownOperation", "UnknownOperationException"}
TEXTS = (
    "",
    " ",
    "\0",
    "a\nb\r\n\tc",
    "\u202e\u0000\ufffe\U0001f4a5",
    "\ud800",
    "x" * 70_000,
    "-1",
    "0",
    "99999999999999999999999999",
    "1e309",
    "NaN",
    "true",
    "../../../etc/passwd",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "' OR 1=1 --",
    "%00%s%n{0}${x}",
    "*" * 400,
    "[a-",
    "\\",
    "ami-",
    "ami-0123456789abcdef0",
    "resolve:ssm:/nothing:1",
    "arn:aws:iam::123456789012:instance-profile/x",
    "arn:::::::::::",
    "s3://bucket/../key",
    "2024-13-45T99:99:99Z",
    "99999-01-01T00:00:00Z",
    "$Latest",
    "10.0.0.0/99",
)
"""What clients never send, and what handlers must not stumble over."""

SETTINGS = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Trusting:
    """Stands for a signature that is right."""

    credential: object

    def verify(self, request, scope):
        return self.credential


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A cloud whose owner has one of everything, of which every change is undone."""
    cloud = furnished(tmp_path_factory.mktemp("home"))
    cloud.database.close()
    cloud.database = UndoingDatabase(cloud.database.url)
    return cloud


@pytest.fixture(scope="module")
def dispatcher(cloud):
    dispatcher = Dispatcher(cloud)
    dispatcher._verifier = Trusting(owner_of(cloud))
    return dispatcher


@pytest.fixture(scope="module")
def things(cloud):
    """The ids, kinds and names of what the owner has."""
    columns = (RESOURCES.c.id, RESOURCES.c.kind, RESOURCES.c.name)
    with cloud.database.reading() as connection:
        return connection.execute(select(*columns).where(RESOURCES.c.account == OWNER)).all()


def said(service, status, body):
    """Return the code of an answer, "" for a success. Raises what reading it raises when it is not in AWS's form."""
    if service in {"ebs", "rbin", "ssm", "imagebuilder"}:
        told = json.loads(body) if body else {}
        if status < 300:
            return ""
        assert "message" in told
        return str(told.get("__type", "refused"))
    root = ET.fromstring(body)  # noqa: S314 - the server's own
    if status < 300:
        return ""
    codes = [each.text for each in root.iter() if each.tag.rpartition("}")[2] == "Code"]
    assert len(codes) == 1, body
    return codes[0]


def is_well_told(service, status, body):
    """Tell whether an answer is in AWS's form and no fault of the server's."""
    code = said(service, status, body)
    return status < 500 or code in CAPACITY | UNANSWERED


def wire(service, *, form=None, path="/", method="POST", query="", body=b"", target="", headers=None):
    """Return a request that looks signed for a service."""
    scope = f"AKIAOWNER/20270115/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    given = {"authorization": authorization, "host": "localhost", "x-amz-date": "20270115T080000Z"}
    if form is not None:
        body = urlencode(form, errors="surrogatepass").encode()
        given["content-type"] = "application/x-www-form-urlencoded"
    if target:
        given["x-amz-target"] = target
    return WireRequest(method, path, query, {**given, **(headers or {})}, body)


def fields(draw, shape, prefix, depth=0):
    """Yield a form's fields for a shape of an EC2 request, of wrong types and numbers as often as not."""
    for name, member in shape.members.items():
        if name not in shape.required_members and draw.random() > 0.5:
            continue
        yield from _field(draw, member, prefix + wire_name(name, member, ec2=True), depth)


def _field(draw, shape, name, depth):
    kind = draw.choice((shape.type_name, shape.type_name, shape.type_name, "string", "list"))
    if kind == "structure" and shape.type_name == "structure" and depth < 4:
        yield from fields(draw, shape, f"{name}.", depth + 1)
    elif kind == "list" and depth < 4:
        for index in draw.sample((0, 1, 2, 7, 999_999_999, "x", "-1"), 2):
            member = shape.member if shape.type_name == "list" else shape
            yield from _field(draw, member, f"{name}.{index}", depth + 1)
    else:
        yield name, draw.choice(TEXTS)


@settings(SETTINGS, max_examples=2)
@given(seed=st.integers(0, 2**32))
def test_forms_of_wrong_values(dispatcher, seed):
    draw, faults = random.Random(seed), []  # noqa: S311 - a test draws
    for operation in answered_operations():
        if operation.protocol not in {"ec2", "query"}:
            continue
        shape = operation.model.input_shape
        form = [("Action", operation.name), ("Version", "2016-11-15")]
        form += list(fields(draw, shape, "")) if shape is not None else []
        form += [(draw.choice(TEXTS)[:99] or "x", draw.choice(TEXTS)), ("Filter.1.Name", draw.choice(TEXTS))]
        got = dispatcher.answer(wire(operation.service, form=form))
        if not is_well_told(operation.service, got.status, got.body):
            faults.append((operation.name, [(name, text[:60]) for name, text in form], got.body[:300]))
    assert not faults


def a_text(draw, things, name):
    """Return the id or name of what a member asks for, a value that it takes, or one that nobody sends."""
    kind = kind_for(name)
    if draw.random() < 0.15 or not (kind or name in HINTS):
        return draw.choice(TEXTS)
    if name in HINTS:
        return HINTS[name]
    thing = draw.choice([each for each in things if each.kind == kind])
    return thing.name if thing.name and ("Name" in name or name == "Path") else fitting(name, thing.id)


@settings(SETTINGS, max_examples=4)
@given(seed=st.integers(0, 2**32))
def test_wrong_values_for_what_the_caller_has(cloud, dispatcher, things, seed):
    """Parameters that the model lets pass, with the caller's own ids and hostile texts, reach into the handlers."""
    draw, faults = random.Random(seed), []  # noqa: S311 - a test draws
    for operation in answered_operations():
        parameters = Maker(draw, partial(a_text, draw, things)).parameters(operation)
        status, body = answer(dispatcher, owner_of(cloud), operation, parameters)
        if not is_well_told(operation.service, status, body):
            faults.append((operation.name, {key: str(value)[:200] for key, value in parameters.items()}, body[:300]))
    assert not faults


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@settings(SETTINGS, max_examples=60)
@given(data=st.data())
def test_json_of_wrong_types(dispatcher, data):
    service = data.draw(st.sampled_from(("ssm", "rbin", "ebs", "imagebuilder")))
    model = service_model(service)
    name = data.draw(st.sampled_from(sorted(model.operation_names)))
    operation = find_operation(service, name)
    members = sorted(operation.model.input_shape.members) if operation.model.input_shape else []
    body = data.draw(st.dictionaries(st.sampled_from(members) if members else st.text(), values, max_size=5) | values)
    raw = json.dumps(body).encode()
    if service == "ssm":
        request = wire(service, body=raw, target=f"AmazonSSM.{name}")
    else:
        path = operation.model.http["requestUri"].partition("?")[0]
        for label in ("identifier", "resourceArn", "snapshotId", "blockIndex", "secondSnapshotId"):
            path = path.replace(f"{{{label}}}", data.draw(st.sampled_from(("snap-0", "..", "%00", "a%2Fb", "9" * 40))))
        query = data.draw(
            st.sampled_from(("", "maxResults=x", "pageToken=%ff", "blockToken=..", "startingBlockIndex=-1"))
        )
        checksum = base64.b64encode(b"0" * 32).decode()
        headers = data.draw(
            st.dictionaries(
                st.sampled_from(("x-amz-data-length", "x-amz-checksum", "x-amz-changedblockscount", "x-amz-progress")),
                st.sampled_from((*TEXTS, checksum, "524288")),
            )
        )
        method = operation.model.http["method"]
        request = wire(service, method=method, path=path, query=query, body=raw, headers=headers)
    got = dispatcher.answer(request)
    assert is_well_told(service, got.status, got.body), (name, body, got.body)


@settings(SETTINGS, max_examples=150)
@given(
    service=st.sampled_from(("ec2", "ebs", "sts", "ssm", "iam", "autoscaling", "rbin", "imagebuilder", "s3", "", "\0")),
    method=st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "BREW")),
    path=st.sampled_from(
        (
            "/",
            "//",
            "/snapshots",
            "/snapshots/%00/blocks/x",
            "/rules/..",
            "/list-rules",
            "/tags/arn%3A",
            "/GetImage",
            "/é",
            "/" * 900,
        )
    ),
    query=st.sampled_from(("", "Action=DescribeImages", "Action=%ff", "a&b&=&", "X-Amz-Algorithm=x", "&" * 30_000)),
    body=st.binary(max_size=300)
    | st.sampled_from((b"[" * 5000, b"{" * 70, b'"\xff"', b"Action=" + b"x" * 9999, b"&" * 30_000)),
    headers=st.dictionaries(
        st.sampled_from(("content-type", "x-amz-target", "content-length", "x-amz-date", "x-amz-security-token")),
        st.text(max_size=40) | st.sampled_from(("AmazonSSM.", "AmazonSSM.GetParameter", "application/json")),
    ),
)
def test_raw_noise(dispatcher, service, method, path, query, body, headers):
    request = wire(service, method=method, path=path, query=query, body=body, headers=headers)
    got = dispatcher.answer(request)
    assert got.status < 500 or b"Unknown" in got.body + str(got.headers).encode(), got


@settings(SETTINGS, max_examples=150)
@given(
    authorization=st.text(max_size=200)
    | st.sampled_from(
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=é",
            "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=",
            "AWS4-HMAC-SHA256 Credential=A/20270115/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=\U0001f4a5",
            "AWS4-HMAC-SHA256 ,,,===",
        )
    ),
    token=st.text(max_size=60),
    date=st.sampled_from(("", "20270115T080000Z", "99999999T999999Z", "\0", "\uff12\uff10270115T080000Z")),
)
def test_noise_for_a_signature_is_refused(cloud, authorization, token, date):
    headers = {"authorization": authorization, "x-amz-security-token": token, "x-amz-date": date, "host": "x"}
    got = Dispatcher(cloud).answer(WireRequest("POST", "/", "", headers, b"Action=DescribeImages"))
    assert 400 <= got.status < 500
    said("ec2" if got.body.startswith(b"<") else "ssm", got.status, got.body)
