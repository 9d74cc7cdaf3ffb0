"""What `goldsmith publish` is asked is checked before anything is read or sent."""

from __future__ import annotations

import pytest

from goldsmith.cli.output import UsageError
from goldsmith.cli.publications import AwsOptions, Publication, aws_wanted, publish_image
from goldsmith.documents.faults import DocumentError
from goldsmith.publish.aws.wanted import WantedError
from goldsmith.publish.source import Facts

FACTS = Facts(
    reference="web/1.0.0/2", name="web", version="1.0.0", created="2026-01-02T03:04:05+00:00", tags={"team": "x"}
)


def test_options_say_what_each_region_gets():
    said = AwsOptions(
        regions="us-east-1,eu-west-1",
        tags=("env=prod",),
        share=("111122223333", "all"),
        parameters=("/golden/web",),
        deprecate_in=2,
    )
    wanted = aws_wanted(said, FACTS)
    assert [each.region for each in wanted.regions] == ["us-east-1", "eu-west-1"]
    first = wanted.regions[0]
    assert (first.name, first.tags) == ("web/1.0.0/2", {"team": "x", "env": "prod"})
    assert (first.permission.user_ids, first.permission.user_groups) == (("111122223333",), ("all",))
    assert (first.parameters[0].parameter_name, first.parameters[0].data_type) == ("/golden/web", "aws:ec2:image")
    assert f"{wanted.deprecated_at:%Y-%m-%d %H:%M}" == "2026-01-04 03:04"


def test_a_distribution_configuration_says_it_in_aws_s_words(tmp_path):
    file = tmp_path / "distribution.yml"
    file.write_text(
        "distributions:\n- region: us-east-1\n  amiDistributionConfiguration:\n"
        "    name: 'web {{ imagebuilder:buildDate }}'\n    amiTags: {a: b}\n    kmsKeyId: key\n"
    )
    (region,) = aws_wanted(AwsOptions(distribution=str(file)), FACTS).regions
    assert region.name.startswith("web 2026-01-02T03-04-05")
    assert (region.tags, region.kms_key) == ({"team": "x", "a": "b"}, "key")
    file.write_text("distributions:\n- region: us-east-1\n  licenseConfigurationArns: []\n")
    with pytest.raises(DocumentError):
        aws_wanted(AwsOptions(distribution=str(file)), FACTS)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"regions": ""}, "No region"),
        ({"regions": "a,a"}, "twice"),
        ({"regions": "a", "share": ("bob",)}, "bob is no account"),
        ({"regions": "a", "tags": ("x",)}, "is no tag"),
        ({"regions": "a,b", "kms_key": "k"}, "one region's"),
        ({"regions": "a", "distribution": "f"}, "itself"),
        ({"regions": "a", "tpm": True}, "boot mode uefi"),
        ({"regions": "a", "name": "x" * 129}, "no AMI name"),
        ({"regions": "a", "name": "web:1"}, "no AMI name"),
        ({"regions": "a", "boot_mode": "bios"}, "no boot mode"),
        ({"regions": "a", "tags": ("aws:x=y",)}, "AWS's own"),
        ({"distribution": "/nowhere"}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told(said, told):
    with pytest.raises((UsageError, WantedError), match=told):
        aws_wanted(AwsOptions(**said), FACTS)


def test_only_what_is_at_aws_is_abandoned(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    for place, region in (("s3://bucket/key", "us-east-1"), ("aws", "")):
        with pytest.raises(UsageError, match="Only snapshots at AWS"):
            publish_image(Publication("web", place, "", "", "", AwsOptions(regions=region), abandon=True))


def test_a_place_that_is_none_is_told():
    with pytest.raises(UsageError, match="no place to publish to"):
        publish_image(Publication("web", "ftp://x", "", "", "", AwsOptions()))
