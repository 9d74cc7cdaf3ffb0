"""Buckets: a key never leads out of its folder, a file appears whole, S3 is as good as a folder."""

from __future__ import annotations

import os

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from goldsmith.aws.buckets import BucketError, FolderBucket, open_bucket
from goldsmith.aws.cloud import Cloud
from goldsmith.pipelines.home import Home

HOSTILE = [
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "",
    ".",
    "..",
    "a//b",
    "a/",
    "x\0y",
    "link/secret",
    "file-link",
    "fifo",
    "folder",
    "a" * 1025,
]


@pytest.fixture
def bucket(tmp_path):
    folder = tmp_path / "bucket"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path)
    (folder / "file-link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "fifo")
    return FolderBucket("bucket", folder)


def put(bucket, tmp_path, key, content):
    file = tmp_path / "new"
    file.write_bytes(content)
    bucket.write(key, file)


def test_what_is_written_is_read(bucket, tmp_path):
    put(bucket, tmp_path, "a/b/c.raw", b"content")
    assert bucket.size("a/b/c.raw") == 7
    bucket.fetch("a/b/c.raw", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"
    put(bucket, tmp_path, "a/b/c.raw", b"other")
    with bucket.read("a/b/c.raw") as file:
        assert file.read() == b"other"


@pytest.mark.parametrize("key", HOSTILE)
def test_no_key_leads_out(bucket, tmp_path, key):
    with pytest.raises(BucketError):
        bucket.read(key)
    if key not in {"file-link", "fifo"}:
        with pytest.raises(BucketError):
            put(bucket, tmp_path, key, b"mine")
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_link_is_replaced_and_not_followed(bucket, tmp_path):
    put(bucket, tmp_path, "file-link", b"mine")
    assert (tmp_path / "secret").read_text() == "secret"
    assert not (tmp_path / "bucket" / "file-link").is_symlink()


@given(st.text(max_size=40))
def test_any_text_is_a_key_within_or_refused(tmp_path_factory, key):
    bucket = FolderBucket("any", tmp_path_factory.getbasetemp())
    try:
        parts = bucket._parts(key)
    except BucketError:
        return
    assert os.path.normpath("/".join(parts)) == key
    assert not key.startswith(("/", "../"))


def test_holes_stay_holes(bucket, tmp_path):
    file = tmp_path / "sparse"
    with file.open("wb") as out:
        out.seek(64 << 20)
        out.write(b"end")
    bucket.write("sparse", file)
    bucket.fetch("sparse", tmp_path / "back")
    found = (tmp_path / "back").stat()
    assert (found.st_size, found.st_blocks * 512 < 4 << 20) == ((64 << 20) + 3, True)


@pytest.mark.parametrize("name", ["..", "a/b", "UPPER", "x", "a..b", "", "-ab", "a\nb"])
def test_names_that_are_none(tmp_path, name):
    cloud = Cloud(Home(tmp_path).ready())
    with pytest.raises(BucketError):
        open_bucket(cloud, "123456789012", name)
    cloud.close()


def test_each_account_has_buckets_of_its_own(tmp_path):
    cloud = Cloud(Home(tmp_path / "home").ready())
    put(open_bucket(cloud, "1" * 12, "same"), tmp_path, "key", b"private")
    with pytest.raises(BucketError):
        open_bucket(cloud, "2" * 12, "same").read("key")
    cloud.close()


def test_a_bucket_of_s3(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="real")
        (tmp_path / "cloud.yml").write_text(f"buckets: {{mine: 's3://real/some?endpoint_url={url}'}}\n")
        cloud = Cloud(Home(tmp_path).ready())
        bucket = open_bucket(cloud, "123456789012", "mine")
        file = tmp_path / "file"
        file.write_bytes(b"content")
        bucket.write("a/b", file, {"k": "v w"})
        assert bucket.size("a/b") == 7
        bucket.fetch("a/b", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"content"
        found = boto3.client("s3", endpoint_url=url).get_object_tagging(Bucket="real", Key="some/a/b")["TagSet"]
        assert found == [{"Key": "k", "Value": "v w"}]
        with pytest.raises(BucketError):
            bucket.read("none")
        cloud.close()
    finally:
        server.stop()
