"""What a parameter's value may be: its size by tier, its pattern, its data type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import re2

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

STANDARD, ADVANCED = 4096, 8192
"""Characters that a value of a tier has at most."""

IMAGE = "aws:ec2:image"
DATA_TYPES = ("text", IMAGE)


def choose_tier(asked: str, before: str, value: str) -> str:
    """Return the tier of a value. Raises AwsError when it is too long for it, or the tier would go down."""
    wanted = asked or before or "Standard"
    if wanted == "Intelligent-Tiering":
        wanted = "Advanced" if before == "Advanced" or len(value) > STANDARD else "Standard"
    if before == "Advanced" and wanted == "Standard":
        raise AwsError(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter.",
        )
    most = ADVANCED if wanted == "Advanced" else STANDARD
    if len(value) > most:
        raise AwsError(
            "ValidationException",
            f"{wanted} tier parameters support a maximum parameter value of {most} characters.",
        )
    return wanted


def require_value(call: Call, parameters: Mapping[str, Any], kind: str) -> str:
    """Return a request's value. Raises AwsError where it does not fit its pattern, type or data type."""
    value = str(parameters["Value"])
    if not value:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length "
            "greater than or equal to 1.",
        )
    pattern = parameters.get("AllowedPattern")
    if pattern:
        matches = _compile(pattern).search(value)
        if not matches:
            raise AwsError(
                "ParameterPatternMismatchException",
                f"Parameter value, cannot be validated against allowedPattern: {pattern}",
            )
    data_type = parameters.get("DataType") or "text"
    if data_type not in DATA_TYPES:
        raise AwsError(
            "ValidationException",
            f"The following data type is not supported: {data_type} (Data type names are all lowercase.)",
        )
    if data_type == IMAGE:
        _require_image(call, value, kind)
    return value


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as wrong:
        raise AwsError("InvalidAllowedPatternException", f"The pattern {pattern} is no regular expression.") from wrong


def _require_image(call: Call, value: str, kind: str) -> None:
    if kind != "String":
        raise AwsError("ValidationException", f"A parameter of the data type {IMAGE} is of the type String.")
    image = call.catalog.get("image", value) if re.fullmatch(r"ami-[0-9a-f]{8,32}", value) else None
    if image is None or image.state in {"deregistered", "failed"}:
        raise AwsError("ValidationException", f"The image {value[:64]} does not exist, or you may not use it.")
