"""Workflow documents: from text to a valid document, or to everything that is wrong with it (5.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.documents.composing import compose
from goldsmith.documents.faults import Faults, shown
from goldsmith.documents.nodes import is_null, plain
from goldsmith.documents.reading import check_keys, read_list, read_map, read_text, text_of
from goldsmith.documents.workflows.actions import AMI_DISTRIBUTION, CONTAINER_DISTRIBUTION
from goldsmith.documents.workflows.document import WorkflowDocument, WorkflowOutput
from goldsmith.documents.workflows.parameters import read_parameters
from goldsmith.documents.workflows.references import check_references
from goldsmith.documents.workflows.steps import read_step

if TYPE_CHECKING:
    from goldsmith.documents.nodes import Mapping
    from goldsmith.documents.source import Mark
    from goldsmith.documents.workflows.step import Stage
    from goldsmith.documents.workflows.steps import StepOutline

MAX_STEPS = 15
MAX_OUTPUTS = 25

_KEYS = ("name", "description", "schemaVersion", "parameters", "steps", "outputs")
_OUTPUT_KEYS = ("name", "value", "value.$")
_OUTPUT_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SCHEMA_VERSIONS = ("1.0", "1")


def parse_workflow(text: str, file: str, stage: Stage) -> WorkflowDocument:
    """Return the document that a YAML or JSON text holds; ``file`` is what its faults call it, ``stage`` its type.

    Raises DocumentError with every fault at once. The language is that of AWS's guide, "Create a YAML workflow
    document".
    """
    faults = Faults()
    root = read_map(compose(text, file), "A workflow document", faults)
    faults.raise_any()
    document = _read(root, text, file, stage, faults) if root else None
    faults.raise_any()
    if document is None:
        raise AssertionError("a document without faults could not be read")
    return document


def _read(root: Mapping, text: str, file: str, stage: Stage, faults: Faults) -> WorkflowDocument:
    check_keys(root, _KEYS, "A workflow document", faults)
    _check_schema_version(root, faults)
    parameters = read_parameters(root, faults)
    _check_unique([(each.name, each.mark) for each in parameters], "Parameter", faults)
    outlines = _steps(root, stage, faults)
    outputs = _outputs(root, faults)
    entry = root.entries.get("outputs")
    below = entry.node if entry and not is_null(entry.node) else None
    check_references(outlines, below, {each.name for each in parameters}, stage, text, faults)
    return WorkflowDocument(
        name=text_of(root, "name", faults),
        description=text_of(root, "description", faults),
        type=stage,
        steps=tuple(each.step for each in outlines if each.step),
        source=text,
        file=file,
        parameters=parameters,
        outputs=outputs,
    )


def _check_schema_version(root: Mapping, faults: Faults) -> None:
    entry = root.entries.get("schemaVersion")
    if entry is None:
        faults.add(root.mark, "The document has no schemaVersion; write schemaVersion: 1.0.")
        return
    version = text_of(root, "schemaVersion", faults)
    if version not in _SCHEMA_VERSIONS:
        faults.add(entry.node.mark, f"schemaVersion must be 1.0, but is '{shown(version)}'.")


def _steps(root: Mapping, stage: Stage, faults: Faults) -> tuple[StepOutline, ...]:
    entry = root.entries.get("steps")
    if entry is None or is_null(entry.node):
        faults.add(entry.mark if entry else root.mark, "A workflow has 1 to 15 steps, but here are none.")
        return ()
    listed = read_list(entry.node, "steps", faults)
    if listed is None:
        return ()
    if not 1 <= len(listed.items) <= MAX_STEPS:
        faults.add(entry.mark, f"A workflow has 1 to {MAX_STEPS} steps, but here are {len(listed.items)}.")
    mappings = [read_map(item, "A step", faults) for item in listed.items]
    outlines = tuple(read_step(mapping, stage, faults) for mapping in mappings if mapping)
    _check_unique([(each.name, each.mapping.mark) for each in outlines], "Step", faults)
    _check_one_distribution(outlines, faults)
    return outlines


def _check_one_distribution(outlines: tuple[StepOutline, ...], faults: Faults) -> None:
    actions = {each.rule.name for each in outlines if each.rule}
    if CONTAINER_DISTRIBUTION in actions:
        for each in outlines:
            if each.rule and each.rule.name in AMI_DISTRIBUTION:
                message = f"{each.rule.name} is for AMIs; a workflow with {CONTAINER_DISTRIBUTION} cannot have it too."
                faults.add(each.mapping.mark, message)


def _outputs(root: Mapping, faults: Faults) -> tuple[WorkflowOutput, ...]:
    entry = root.entries.get("outputs")
    if entry is None or is_null(entry.node):
        return ()
    listed = read_list(entry.node, "outputs", faults)
    items = listed.items if listed else ()
    if len(items) > MAX_OUTPUTS:
        faults.add(entry.mark, f"A workflow has at most {MAX_OUTPUTS} outputs, but here are {len(items)}.")
    mappings = [read_map(item, "An output", faults) for item in items]
    outputs = tuple(_output(mapping, faults) for mapping in mappings if mapping)
    _check_unique([(each.name, each.mark) for each in outputs], "Output", faults)
    return outputs


def _output(mapping: Mapping, faults: Faults) -> WorkflowOutput:
    check_keys(mapping, _OUTPUT_KEYS, "An output", faults)
    entry = mapping.entries.get("name")
    name = (read_text(entry.node, "An output's name", faults) or "") if entry else ""
    if entry is None:
        faults.add(mapping.mark, "An output has no name.")
    elif name and not _OUTPUT_NAME.fullmatch(name):
        message = f"An output's name '{shown(name)}' must have 1 to 128 letters, digits, hyphens or underscores."
        faults.add(entry.node.mark, message)
    given = [mapping.entries[key] for key in ("value", "value.$") if key in mapping.entries]
    if len(given) != 1 or is_null(given[0].node):
        faults.add(mapping.mark, f"Output '{shown(name)}' needs one value.")
        return WorkflowOutput(name, None, mapping.mark)
    return WorkflowOutput(name, plain(given[0].node), mapping.mark)


def _check_unique(named: list[tuple[str, Mark]], what: str, faults: Faults) -> None:
    first: dict[str, Mark] = {}
    for name, mark in named:
        if name and name in first:
            faults.add(mark, f"{what} {name} is there twice; first in line {first[name].line}.")
        first.setdefault(name, mark)
