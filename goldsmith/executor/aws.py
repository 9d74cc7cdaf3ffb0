"""What AWS answers when it refuses, as sentences."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn botocore's exceptions into an ActionError that begins with ``doing``."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except NoCredentialsError as missing:
        raise ActionError(
            f"{doing}: no AWS credentials were found.",
            mend="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for goldsmith itself.",
        ) from missing
    except ClientError as refused:
        error = refused.response.get("Error", {})
        raise ActionError(f"{doing}: {error.get('Code', '')} {error.get('Message', '')}".rstrip()) from refused
    except (BotoCoreError, HTTPClientError, HTTPError) as failed:
        raise ActionError(f"{doing}: {failed}") from failed
