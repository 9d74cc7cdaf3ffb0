"""AWS as boto3 reaches it, with patience; what it refuses becomes a sentence that names the missing permission."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnknownRegionError,
)
from botocore.parsers import ResponseParserError

from goldsmith.errors import GoldsmithError
from goldsmith.publish.aws.refusals import AGAIN, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_ebs import EBSClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_ssm import SSMClient

ATTEMPTS = 10
"""Of a call that is throttled, fails or loses its connection, with growing pauses (botocore's mode "standard")."""

THREADS = 24
"""Calls of EBS at once: what a snapshot takes is the way there and back of each block."""

_NOBODY = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class AwsPublishError(GoldsmithError):
    """AWS refused, or cannot be reached."""


@dataclass
class Clients:
    """boto3's clients by region. ``profile`` and ``endpoint`` are boto3's own where they are empty.

    ``pause`` waits some seconds between two looks at what AWS does in its own time; it may raise to wait no longer.
    """

    profile: str = ""
    endpoint: str = ""
    pause: Callable[[float], None] = time.sleep
    _made: dict[tuple[str, str], Any] = field(default_factory=dict)

    def ec2(self, region: str) -> EC2Client:
        """Return EC2's client."""
        client: EC2Client = self._client("ec2", region)
        return client

    def ebs(self, region: str) -> EBSClient:
        """Return EBS direct's client, for any thread."""
        client: EBSClient = self._client("ebs", region)
        return client

    def ssm(self, region: str) -> SSMClient:
        """Return Systems Manager's client."""
        client: SSMClient = self._client("ssm", region)
        return client

    def kms(self, region: str) -> KMSClient:
        """Return the Key Management Service's client."""
        client: KMSClient = self._client("kms", region)
        return client

    def partition(self, region: str) -> str:
        """Return the partition of AWS that a region is in, as aws-cn; that of regions nobody knows is "aws"."""
        try:
            partition: str = self._session.get_partition_for_region(region)
        except UnknownRegionError:
            return "aws"
        return partition

    @cached_property
    def _session(self) -> Any:
        return boto3.Session(profile_name=self.profile or None)

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._made:
            config = Config(
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=THREADS,
                connect_timeout=10,
                read_timeout=60,
            )
            self._made[service, region] = self._session.client(
                service, region_name=region, config=config, endpoint_url=self.endpoint or None
            )
        return self._made[service, region]


@contextmanager
def explained() -> Iterator[None]:
    """Make sentences of what boto3 raises. Nothing of the credentials is in them."""
    try:
        yield
    except ClientError as refused:
        message, mend = sentence(refused)
        raise AwsPublishError(message, mend=mend) from refused
    except _NOBODY as missing:
        raise AwsPublishError(
            f"There are no AWS credentials: {missing}.",
            mend="Say --profile, or set AWS_PROFILE; `aws configure` makes one, `aws sso login` renews one.",
        ) from missing
    except ParamValidationError as wrong:
        raise AwsPublishError(f"AWS does not take this: {wrong}", mend="Say it otherwise.") from wrong
    except (BotoCoreError, ResponseParserError) as broken:
        raise AwsPublishError(f"AWS cannot be reached: {broken}.", mend=AGAIN) from broken
