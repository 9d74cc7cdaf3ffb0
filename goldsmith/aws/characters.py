"""Characters that texts may not have: those that XML 1.0 cannot say, and that not every database keeps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from goldsmith.aws.models import Operation

UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Most control characters, and halves of surrogate pairs."""

CODES = {"ec2": "InvalidParameterValue", "query": "ValidationError"}


def require_characters(operation: Operation, parameters: Any) -> None:
    """Raise AwsError when a text anywhere in a request has a character that is none."""
    if _is_unfit(parameters):
        code = CODES.get(operation.protocol, "ValidationException")
        raise AwsError(code, "The request contains a character that is not allowed in any text.")


def _is_unfit(value: Any) -> bool:
    if isinstance(value, str):
        return UNFIT.search(value) is not None
    if isinstance(value, dict):
        return any(_is_unfit(key) or _is_unfit(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_is_unfit, value))
