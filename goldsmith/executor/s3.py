"""Addresses and arguments of Amazon S3."""

from __future__ import annotations

from dataclasses import dataclass

from goldsmith.executor.failures import ActionError


@dataclass(frozen=True)
class S3Address:
    """A bucket and a key or prefix."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def s3_address(text: str) -> S3Address:
    """Return what ``s3://bucket/key`` names. Raises ActionError for anything else."""
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise ActionError(f"{text} is not an S3 address.", mend="It looks like s3://bucket/key.")
    return S3Address(bucket, key)


def owner_argument(account: str) -> dict[str, str]:
    """Return boto3's argument that makes S3 refuse a bucket of another account; none where it is not given."""
    return {"ExpectedBucketOwner": account} if account else {}
