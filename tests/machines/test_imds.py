from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.machines.imds import TOKEN_HEADER, TTL_HEADER, Request, Response, answer
from goldsmith.machines.metadata import VERSIONS, InstanceMetadata

SECRET = b"secret of one machine"
NOW = 1_000_000.0
MAC = "02:00:00:00:00:01"
INSTANCE = InstanceMetadata("i-0123456789abcdef0", MAC, public_keys={"mine": "ssh-ed25519 AAAA me"})


def ask(method: str, path: str, instance: InstanceMetadata = INSTANCE, *, now: float = NOW, **headers: str) -> Response:
    return answer(Request(method, path, headers), instance, secret=SECRET, now=now)


def token(ttl: str = "60") -> str:
    return ask("PUT", "/latest/api/token", **{TTL_HEADER: ttl}).body.decode()


def get(path: str, instance: InstanceMetadata = INSTANCE, *, now: float = NOW) -> Response:
    return ask("GET", path, instance, now=now, **{TOKEN_HEADER: token()})


def changed(**values: object) -> InstanceMetadata:
    return InstanceMetadata("i-0123456789abcdef0", MAC, **values)  # type: ignore[arg-type]


def test_a_token_opens_the_metadata_until_it_ends() -> None:
    assert get("/latest/meta-data/instance-id").body == b"i-0123456789abcdef0"
    assert get("/latest/meta-data/instance-id", now=NOW + 59).status == HTTPStatus.OK
    assert get("/latest/meta-data/instance-id", now=NOW + 60).status == HTTPStatus.UNAUTHORIZED


def test_a_token_request_echoes_its_lifetime() -> None:
    response = ask("PUT", "/latest/api/token", **{TTL_HEADER: "21600"})
    assert response.headers == {TTL_HEADER: "21600"}
    assert response.content_type == "text/plain"


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "+5", "1.5", "ten", "٣", "99999999"])
def test_a_wrong_lifetime_is_a_bad_request(ttl: str) -> None:
    assert ask("PUT", "/latest/api/token", **{TTL_HEADER: ttl}).status == HTTPStatus.BAD_REQUEST


def test_a_token_request_without_lifetime_is_a_bad_request() -> None:
    assert ask("PUT", "/latest/api/token").status == HTTPStatus.BAD_REQUEST


def test_a_forwarded_token_request_is_forbidden() -> None:
    headers = {TTL_HEADER: "60", "x-forwarded-for": "10.0.0.1"}
    assert ask("PUT", "/latest/api/token", **headers).status == HTTPStatus.FORBIDDEN


def test_tokens_are_not_given_on_dated_versions() -> None:
    assert ask("PUT", "/2021-03-23/api/token", **{TTL_HEADER: "60"}).status == HTTPStatus.FORBIDDEN


@given(st.text())
def test_no_text_passes_for_a_token(text: str) -> None:
    assert ask("GET", "/latest/meta-data/", **{TOKEN_HEADER: text}).status == HTTPStatus.UNAUTHORIZED


def test_another_machines_token_is_refused() -> None:
    foreign = answer(
        Request("PUT", "/latest/api/token", {TTL_HEADER: "60"}), INSTANCE, secret=b"another's", now=NOW
    ).body.decode()
    assert ask("GET", "/latest/meta-data/", **{TOKEN_HEADER: foreign}).status == HTTPStatus.UNAUTHORIZED


def test_without_a_token_version_1_is_served_only_where_tokens_are_optional() -> None:
    assert ask("GET", "/latest/meta-data/ami-id").status == HTTPStatus.UNAUTHORIZED
    assert ask("GET", "/latest/meta-data/ami-id", changed(tokens_required=False)).status == HTTPStatus.OK


def test_a_disabled_service_forbids_everything() -> None:
    off = changed(enabled=False)
    assert ask("PUT", "/latest/api/token", off, **{TTL_HEADER: "60"}).status == HTTPStatus.FORBIDDEN
    assert get("/latest/meta-data/", off).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(method: str) -> None:
    assert ask(method, "/latest/meta-data/").status == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_root_lists_versions_and_a_version_its_folders() -> None:
    assert get("/").body.decode().splitlines() == list(VERSIONS)
    assert get("/latest/").body == b"dynamic\nmeta-data"
    assert get("/latest", changed(user_data=b"")).body == b"dynamic\nmeta-data\nuser-data"


def crawl(folder: str, instance: InstanceMetadata) -> dict[str, bytes]:
    """Follow every listed name as cloud-init's MetadataMaterializer does."""
    found = {}
    listing = get(folder, instance)
    assert listing.status == HTTPStatus.OK, folder
    for entry in listing.body.decode().splitlines():
        if folder.endswith("/public-keys/"):
            number, _, _ = entry.partition("=")
            leaf = f"{folder}{number}/openssh-key"
        elif entry.endswith("/"):
            found |= crawl(folder + entry, instance)
            continue
        else:
            leaf = folder + entry
        response = get(leaf, instance)
        assert response.status == HTTPStatus.OK, leaf
        found[leaf] = response.body
    return found


def test_every_listed_name_answers() -> None:
    instance = changed(public_keys={"a": "ssh-ed25519 A", "b": "ssh-rsa B"}, tags={"Name": "web", "team": "x"})
    found = crawl("/2021-03-23/meta-data/", instance)
    assert found["/2021-03-23/meta-data/public-keys/1/openssh-key"] == b"ssh-rsa B"
    assert found["/2021-03-23/meta-data/tags/instance/Name"] == b"web"
    assert found[f"/2021-03-23/meta-data/network/interfaces/macs/{MAC}/local-ipv4s"] == b"169.254.1.10"
    assert set(crawl("/2021-03-23/dynamic/instance-identity/", instance)) >= {
        f"/2021-03-23/dynamic/instance-identity/{name}" for name in ("document", "pkcs7", "signature")
    }


@pytest.mark.parametrize(
    "path",
    [
        "/latest/meta-data/nothing",
        "/latest/meta-data/tags/",
        "/latest/meta-data/public-ipv4",
        "/latest/user-data",
        "/2001-01-01/meta-data/",
        "/latest/meta-data/../../etc/passwd",
        "/latest/meta-data/instance-id/more",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    response = get(path)
    assert response.status == HTTPStatus.NOT_FOUND
    assert b"404 - Not Found" in response.body


def test_what_only_some_instances_have_is_listed_and_answers() -> None:
    instance = changed(
        public_ipv4="127.70.1.2",
        public_hostname="host.example",
        profile='{"Code": "Success"}',
        credentials={"builder": '{"AccessKeyId": "ASIA"}'},
        target_lifecycle_state="InService",
        spot_action='{"action": "stop"}',
        spot_termination_time="2026-01-01T00:00:00Z",
        rebalance='{"noticeTime": "2026-01-01T00:00:00Z"}',
        product_codes=("code1", "code2"),
        ancestor_images=("ami-1",),
        placement_group="together",
        launch_index=3,
    )
    found = crawl("/latest/meta-data/", instance)
    told = {path.removeprefix("/latest/meta-data/"): body for path, body in found.items()}
    assert told["iam/security-credentials/builder"] == b'{"AccessKeyId": "ASIA"}'
    assert get("/latest/meta-data/iam/security-credentials/", instance).body == b"builder"
    assert told["public-ipv4"] == b"127.70.1.2"
    assert told[f"network/interfaces/macs/{MAC}/ipv4-associations/127.70.1.2"] == b"169.254.1.10"
    assert told["product-codes"] == b"code1\ncode2"
    assert told["ami-launch-index"] == b"3"
    assert set(told) >= {
        "autoscaling/target-lifecycle-state",
        "spot/instance-action",
        "spot/termination-time",
        "events/recommendations/rebalance",
        "placement/group-name",
        "ancestor-ami-ids",
        "iam/info",
    }


@pytest.mark.parametrize("path", ["iam/", "spot/", "autoscaling/", "product-codes", "events/recommendations/"])
def test_what_an_ordinary_instance_has_not_is_not_found(path: str) -> None:
    assert get(f"/latest/meta-data/{path}").status == HTTPStatus.NOT_FOUND


def test_no_key_no_listing() -> None:
    assert get("/latest/meta-data/public-keys/", changed()).status == HTTPStatus.NOT_FOUND


def test_user_data_comes_back_byte_for_byte() -> None:
    data = bytes(range(256))
    assert get("/latest/user-data", changed(user_data=data)).body == data


def test_the_identity_document_names_the_instance() -> None:
    document = json.loads(get("/latest/dynamic/instance-identity/document").body)
    assert document["instanceId"] == INSTANCE.instance_id
    assert document["version"] == "2017-09-30"
    assert document["billingProducts"] is None


@given(st.text(alphabet="/abc.-%\x00é", max_size=30))
def test_no_path_is_a_crash(path: str) -> None:
    assert get(path).status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
