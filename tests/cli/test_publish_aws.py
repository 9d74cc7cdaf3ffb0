"""`goldsmith publish --to aws` as a person sees it: keys, organisations, what is missing, what was cut short."""

from __future__ import annotations

import json

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from goldsmith.catalog.images import AVAILABLE, Disk, Image, ImageStore
from tests.publish.aws.conftest import moto, session, wire  # noqa: F401 - fixtures
from tests.publish.aws.wire import OTHER, REGION, client, disk, snapshot_of

IMAGE = "web/1.0.0/1"
ORGANISATION = "arn:aws:organizations::111122223333:organization/o-abcdefghij"


@pytest.fixture
def publish(goldsmith, wire):  # noqa: F811 - a fixture
    """Run `goldsmith publish` of an image of three blocks."""
    store = ImageStore(goldsmith.home / "images")
    with store.draft() as draft:
        disk(draft / "disk.raw", (0, 5, 7))
        store.publish(
            draft,
            Image("web", "1.0.0", 1, AVAILABLE, "2026-01-02T03:04:05+00:00", "debian/12", "p", 1 << 30, (
                Disk("raw", "disk.raw", "", 1 << 30),
            )),
        )  # fmt: skip

    def run(*arguments):
        done = goldsmith("publish", "web", "--to", "aws", "--endpoint-url", wire.url, *arguments)
        return done.returncode, done.stdout + done.stderr

    return run


def test_enciphered_and_shared_with_an_organisation_in_two_regions(goldsmith, publish, wire):  # noqa: F811
    keys = {region: client(wire, "kms", region).create_key()["KeyMetadata"]["Arn"] for region in (REGION, OTHER)}
    rows = [
        {
            "region": region,
            "amiDistributionConfiguration": {
                "name": "web {{ imagebuilder:buildDate }}",
                "kmsKeyId": key,
                "launchPermission": {"organizationArns": [ORGANISATION]},
            },
        }
        for region, key in keys.items()
    ]
    file = goldsmith.write("everywhere.json", json.dumps({"distributions": rows}))
    status, said = publish("--distribution", file, "--json")
    assert status == 0, said
    told, _ = json.JSONDecoder().raw_decode(said)
    for region, key in keys.items():
        image = told["images"][region]
        assert snapshot_of(wire, image, region)["KmsKeyId"] == key
        shown = client(wire, "ec2", region).describe_image_attribute(ImageId=image, Attribute="launchPermission")
        assert shown["LaunchPermissions"] == [{"OrganizationArn": ORGANISATION}]
    status, said = publish("--distribution", file)
    assert (status, f"{IMAGE} is there; nothing was sent." in said) == (0, True), said
    status, said = publish("--region", REGION, "--name", "other", "--encrypt", "--share", ORGANISATION)
    assert status == 1
    assert "cannot be shared" in said
    assert "--kms-key" in said


def test_what_is_missing_is_named_and_what_was_cut_short_is_shown_and_abandoned(publish, wire):  # noqa: F811
    message = "User: arn:aws:iam::123456789012:user/p is not authorized to perform: ebs:CompleteSnapshot"
    wire.refuse("CompleteSnapshot", "AccessDeniedException", message, status=403)
    status, said = publish("--region", REGION)
    assert status == 1
    assert "AWS does not let these credentials call CompleteSnapshot" in said
    assert "Grant ebs:CompleteSnapshot;" in said
    (left,) = ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots
    status, said = publish("--region", REGION, "--dry-run")
    assert (status, f"3 having arrived before, in {left}" in said) == (0, True), said
    status, said = publish("--region", REGION, "--abandon")
    assert (status, f"1 snapshot deleted of {IMAGE}." in said) == (0, True), said
    assert not ec2_backends[DEFAULT_ACCOUNT_ID][REGION].snapshots
