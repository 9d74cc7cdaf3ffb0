"""The workflows that a pipeline or image is to run instead of the managed ones (5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.references import find, parse_arn
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call

MOST = 10


def require_workflows(call: Call, parameters: Mapping[str, Any], *, container: bool) -> None:
    """Refuse workflows that are not there, do not go together or lack what they must have."""
    workflows = parameters.get("workflows") or []
    if workflows and not parameters.get("executionRole"):
        raise contradictory(call.operation, "An execution role is required to provide workflows.")
    if len(workflows) > MOST:
        raise invalid(call.operation, "workflows", f"An image has at most {MOST} workflows.")
    for number, each in enumerate(workflows):
        path = f"workflows[{number}].workflowArn"
        arn = parse_arn(call.operation, each["workflowArn"], "workflow", path=path)
        if arn.account == "aws" and arn.version is not None and arn.version.fixed:
            raise invalid(
                call.operation,
                path,
                f"AWS managed workflows must have latest version 'x.x.x' for '{each['workflowArn']}'.",
            )
        if find(call.catalog, arn) is None:
            raise invalid(call.operation, path, f"The workflow '{arn}' does not exist.")
