"""Workflows: their documents are parsed when they are made (2.12, 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_document
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.documents.source import DocumentError
from goldsmith.documents.workflows.parser import parse_workflow

if TYPE_CHECKING:
    from goldsmith.aws.call import Call


def describe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a workflow as CreateWorkflow gives it."""
    text = read_document(call, parameters)
    try:
        parsed = parse_workflow(text, parameters["name"], parameters["type"])
    except DocumentError as wrong:
        raise invalid(call.operation, "data" if parameters.get("data") else "uri", str(wrong)) from wrong
    return {
        **{name: parameters[name] for name in ("description", "changeDescription", "kmsKeyId") if parameters.get(name)},
        "type": parameters["type"],
        "owner": call.account.id,
        "data": text,
        "parameters": [each.as_detail() for each in parsed.parameters],
    }
