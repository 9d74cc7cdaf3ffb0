"""A finished run's log folder goes to an S3 bucket (4.10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from goldsmith.executor.aws import aws_errors
from goldsmith.executor.s3 import owner_argument

if TYPE_CHECKING:
    from goldsmith.executor.result import Result
    from goldsmith.executor.services import Services


@dataclass(frozen=True)
class LogBucket:
    """Where logs go: --log-s3-bucket-name, --log-s3-bucket-owner and --log-s3-key-prefix."""

    name: str
    owner: str = ""
    prefix: str = ""


def upload_logs(result: Result, bucket: LogBucket, services: Services) -> Result:
    """Upload every file of the run's log folder and return the result with its logUrl.

    Raises ActionError where S3 refuses.
    """
    folder = result.log_folder
    prefix = "/".join(part for part in (bucket.prefix.strip("/"), folder.name) if part)
    url = f"s3://{bucket.name}/{prefix}"
    with aws_errors(f"Could not upload the logs to {url}"):
        client = services.client("s3")
        for path in sorted(folder.iterdir()):
            with path.open("rb") as file:
                client.upload_fileobj(
                    file, bucket.name, f"{prefix}/{path.name}", ExtraArgs=owner_argument(bucket.owner)
                )
    return replace(result, log_url=url)
