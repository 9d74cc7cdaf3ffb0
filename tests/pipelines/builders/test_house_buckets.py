"""S3 in a pipeline's components is the house's buckets of the image's account, and nobody else's."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.buckets import FolderBucket
from goldsmith.pipelines.builders.house_buckets import HouseBuckets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path) -> HouseBuckets:
    def bucket(account: str, name: str) -> FolderBucket:
        return FolderBucket(name, tmp_path / account / name)

    for account, text in (("111111111111", "mine"), ("222222222222", "theirs")):
        folder = tmp_path / account / "things" / "conf"
        folder.mkdir(parents=True)
        (folder / "a").write_text(text)
        (folder / "out").symlink_to("/etc/passwd")
    world: Any = SimpleNamespace(bucket=bucket, home=SimpleNamespace(path=tmp_path))
    return HouseBuckets(SimpleNamespace(world=world, image=SimpleNamespace(account="111111111111")))  # type: ignore[arg-type]


def test_an_object_is_that_of_the_image_s_account(client: HouseBuckets) -> None:
    assert client.get_object(Bucket="things", Key="conf/a")["Body"].read() == b"mine"


def test_what_is_uploaded_is_there(client: HouseBuckets) -> None:
    client.upload_fileobj(io.BytesIO(b"new"), "things", "made/x", ExtraArgs={})
    assert client.get_object(Bucket="things", Key="made/x")["Body"].read() == b"new"


def test_links_are_neither_listed_nor_read(client: HouseBuckets) -> None:
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket="things", Prefix="conf/"))
    assert pages == [{"Contents": [{"Key": "conf/a"}]}]
    with pytest.raises(ClientError):
        client.get_object(Bucket="things", Key="conf/out")


@pytest.mark.parametrize("key", ["../../222222222222/things/conf/a", "nothing", "conf"])
def test_what_is_not_there_is_refused_as_s3_does(client: HouseBuckets, key: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.get_object(Bucket="things", Key=key)
    assert refused.value.response["Error"]["Code"] == "NoSuchKey"
