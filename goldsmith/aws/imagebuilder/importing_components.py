"""ImportComponent: a shell script becomes a component of one step (2.4, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from goldsmith.aws.imagebuilder.components import describe_text
from goldsmith.aws.imagebuilder.creating import add_build
from goldsmith.aws.imagebuilder.documents import read_document
from goldsmith.aws.imagebuilder.kinds import COMPONENT
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.aws.operations import imagebuilder
from goldsmith.documents.arns import slug_of

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

LONGEST_DATA = 1024
"""Characters of a script that stands in the request itself (7)."""

PHASES = {"BUILD": "build", "TEST": "test"}
STEP = "RunScript"


@imagebuilder.operation(deviation="Shell scripts for Linux only: a script for Windows or macOS cannot run here.")
def import_component(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a component of a shell script."""
    if parameters["platform"] != "Linux":
        raise invalid(
            call.operation,
            "platform",
            f"A script for {parameters['platform']} cannot run in what a Linux host builds; import one for Linux.",
        )
    script = read_document(call, parameters)
    if parameters.get("data") and len(script) > LONGEST_DATA:
        reason = f"A script in the request has at most {LONGEST_DATA} characters; put a longer one in a bucket."
        raise invalid(call.operation, "data", f"{reason} Name it as uri.")
    document = describe_text(call, parameters, wrap(script, parameters["name"], parameters["type"]))
    made = add_build(
        call,
        COMPONENT.noun,
        slug_of(parameters["name"]),
        parameters["semanticVersion"],
        {"name": parameters["name"], **document},
        quota=(COMPONENT.title, COMPONENT.quota),
        tags=parameters.get("tags"),
    )
    return {COMPONENT.arn: made.id}


def wrap(script: str, name: str, kind: str) -> str:
    """Return the component document that runs a script in its one step; ``kind`` is BUILD or TEST."""
    step = {"name": STEP, "action": "ExecuteBash", "inputs": {"commands": [script]}}
    phases = [{"name": PHASES[kind], "steps": [step]}]
    document = {"name": name, "schemaVersion": "1.0", "phases": phases}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


_LINE_ENDS = "\r\x85\u2028\u2029"


class _Dumper(yaml.SafeDumper):
    """Writes a script as a block of lines where YAML can."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write a text so that it is read as it was: YAML takes other characters for ends of lines, too."""
    style = '"' if any(each in text for each in _LINE_ENDS) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
