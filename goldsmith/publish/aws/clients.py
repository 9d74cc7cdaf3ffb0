"""AWS as boto3 reaches it, with patience; what it refuses becomes a sentence that names the missing permission."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from botocore.parsers import ResponseParserError

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ebs import EBSClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

ATTEMPTS = 10
"""Of a call that is throttled, fails or loses its connection, with growing pauses (botocore's mode "standard")."""

THREADS = 24
"""Calls of EBS at once: what a snapshot takes is the way there and back of each block."""

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class AwsPublishError(GoldsmithError):
    """AWS refused, or cannot be reached."""


@dataclass
class Clients:
    """boto3's clients by region. ``profile`` and ``endpoint`` are boto3's own where they are empty."""

    profile: str = ""
    endpoint: str = ""
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

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._made:
            config = Config(
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=THREADS,
                connect_timeout=10,
                read_timeout=60,
            )
            session: Any = boto3.Session(profile_name=self.profile or None)
            self._made[service, region] = session.client(
                service, region_name=region, config=config, endpoint_url=self.endpoint or None
            )
        return self._made[service, region]


@contextmanager
def explained() -> Iterator[None]:
    """Make sentences of what boto3 raises. Nothing of the credentials is in them."""
    try:
        yield
    except ClientError as refused:
        code, message = refused.response["Error"].get("Code", ""), refused.response["Error"].get("Message", "")
        if code in _DENIED or code.endswith("UnauthorizedOperation"):
            raise AwsPublishError(
                f"AWS does not let these credentials call {refused.operation_name}: {message} ({code})",
                mend="Grant what docs/publish-aws.md lists as the least policy.",
            ) from refused
        raise AwsPublishError(
            f"AWS refused {refused.operation_name}: {message} ({code})",
            mend="Run it again: what has arrived is not sent twice.",
        ) from refused
    except (NoCredentialsError, ProfileNotFound) as missing:
        raise AwsPublishError(
            f"There are no AWS credentials: {missing}.",
            mend="Say --profile, or set AWS_PROFILE; `aws configure` makes one.",
        ) from missing
    except (BotoCoreError, ResponseParserError) as broken:
        raise AwsPublishError(
            f"AWS cannot be reached: {broken}.", mend="Run it again: what has arrived is not sent twice."
        ) from broken
