"""The workflows that a pipeline or image is to run instead of the managed ones (5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.references import find, parse_arn
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.documents.workflows.configurations import ConfigurationError, validate_configurations
from goldsmith.documents.workflows.parser import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.documents.workflows.document import WorkflowDocument


def require_workflows(call: Call, parameters: Mapping[str, Any], *, container: bool) -> None:
    """Refuse workflows that are not there, do not go together or lack what they must have."""
    workflows = parameters.get("workflows") or []
    documents = [_document(call, each["workflowArn"], number) for number, each in enumerate(workflows)]
    try:
        validate_configurations(
            workflows,
            documents,
            kind="DOCKER" if container else "AMI",
            execution_role=parameters.get("executionRole", ""),
        )
    except ConfigurationError as wrong:
        declared = {shape.name for shape in call.operation.model.error_shapes}
        raise AwsError(wrong.code if wrong.code in declared else "InvalidRequestException", str(wrong)) from wrong


def _document(call: Call, text: str, number: int) -> WorkflowDocument:
    path = f"workflows[{number}].workflowArn"
    arn = parse_arn(call.operation, text, "workflow", path=path)
    if arn.account == "aws" and arn.version is not None and arn.version.fixed:
        raise invalid(call.operation, path, f"AWS managed workflows must have latest version 'x.x.x' for '{text}'.")
    found = find(call.catalog, arn)
    if found is None:
        raise invalid(call.operation, path, f"The workflow '{arn}' does not exist.")
    return parse_workflow(found.document["data"], found.document["name"], found.document["type"])
