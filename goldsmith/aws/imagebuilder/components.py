"""Components: their documents are parsed when they are made, and say what type they are (2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_document
from goldsmith.aws.imagebuilder.managed import details
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.documents.parser import parse_component
from goldsmith.documents.source import DocumentError

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.documents.component import ComponentDocument

MOST_PARAMETERS = 25


def describe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a component as CreateComponent gives it."""
    text = read_document(call, parameters)
    return describe_text(call, parameters, text)


def describe_text(call: Call, parameters: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the document of a component of that text; refuse one that is no component document."""
    parsed = _parse(call, text, "data" if parameters.get("data") else "uri", parameters["name"])
    return {
        **{name: parameters[name] for name in ("description", "changeDescription", "kmsKeyId") if parameters.get(name)},
        "type": parsed.type,
        "platform": parameters["platform"],
        "supportedOsVersions": list(parameters.get("supportedOsVersions") or ()),
        "state": {"status": "ACTIVE"},
        "status": "ACTIVE",
        "parameters": details(parsed),
        "owner": call.account.id,
        "data": text,
        "encrypted": True,
        "obfuscate": False,
    }


def _parse(call: Call, text: str, path: str, name: str) -> ComponentDocument:
    try:
        parsed = parse_component(text, name)
    except DocumentError as wrong:
        raise invalid(call.operation, path, str(wrong)) from wrong
    if len(parsed.parameters) > MOST_PARAMETERS:
        raise invalid(call.operation, path, f"A component has at most {MOST_PARAMETERS} parameters.")
    return parsed
