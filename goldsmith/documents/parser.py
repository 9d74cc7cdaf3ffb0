"""Component documents: from text to a valid document, or to everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.component import ComponentDocument, Phase
from goldsmith.documents.composing import compose
from goldsmith.documents.declared import check_shared_names, read_constants, read_parameters
from goldsmith.documents.faults import Faults, shown
from goldsmith.documents.nodes import Mapping, is_null
from goldsmith.documents.reading import check_keys, flag_of, read_list, read_map, read_name, text_of
from goldsmith.documents.references import PhaseOutline, check_references
from goldsmith.documents.steps import read_step

if TYPE_CHECKING:
    from goldsmith.documents.source import Mark

_KEYS = ("name", "description", "schemaVersion", "constants", "parameters", "phases", "disableLogging")
_PHASE_KEYS = ("name", "steps", "disableLogging")
_SCHEMA_VERSIONS = ("1.0", "1")


def parse_component(text: str, file: str) -> ComponentDocument:
    """Return the document that a YAML or JSON text holds; ``file`` is what its faults call it.

    Raises DocumentError with every fault at once. The language is that of AWS's guide, "Use the AWSTOE
    component document framework".
    """
    faults = Faults()
    root = read_map(compose(text, file), "A component document", faults)
    faults.raise_any()
    document = _read(root, text, file, faults) if root else None
    faults.raise_any()
    if document is None:
        raise AssertionError("a document without faults could not be read")
    return document


def _read(root: Mapping, text: str, file: str, faults: Faults) -> ComponentDocument:
    check_keys(root, _KEYS, "A component document", faults)
    _check_schema_version(root, faults)
    parameters = read_parameters(root, faults)
    constants = read_constants(root, faults)
    check_shared_names(parameters, constants, faults)
    outlines: list[PhaseOutline] = []
    phases = _phases(root, outlines, faults)
    names = {each.name for each in parameters} | {each.name for each in constants}
    check_references(tuple(outlines), names, text, faults)
    return ComponentDocument(
        name=text_of(root, "name", faults),
        description=text_of(root, "description", faults),
        phases=phases,
        source=text,
        file=file,
        parameters=parameters,
        constants=constants,
        disable_logging=flag_of(root, "disableLogging", faults),
    )


def _check_schema_version(root: Mapping, faults: Faults) -> None:
    entry = root.entries.get("schemaVersion")
    if entry is None:
        faults.add(root.mark, "The document has no schemaVersion; write schemaVersion: 1.0.")
        return
    version = text_of(root, "schemaVersion", faults)
    if version not in _SCHEMA_VERSIONS:
        faults.add(entry.node.mark, f"schemaVersion must be 1.0, but is '{shown(version)}'.")


def _phases(root: Mapping, outlines: list[PhaseOutline], faults: Faults) -> tuple[Phase, ...]:
    entry = root.entries.get("phases")
    mark = entry.node.mark if entry else root.mark
    listed = None
    if entry is not None and not is_null(entry.node):
        listed = read_list(entry.node, "phases", faults)
        if listed is None:
            return ()
    if listed is None or not listed.items:
        faults.add(mark, "Document has 0 phases. Phases list must not be empty.")
        return ()
    mappings = [read_map(item, "A phase", faults) for item in listed.items]
    phases = tuple(_phase(mapping, outlines, faults) for mapping in mappings if mapping)
    _check_unique([(phase.name, phase.mark) for phase in phases], "Phase", faults)
    return phases


def _phase(mapping: Mapping, outlines: list[PhaseOutline], faults: Faults) -> Phase:
    check_keys(mapping, _PHASE_KEYS, "A phase", faults)
    name = read_name(mapping, "A phase", faults)
    entry = mapping.entries.get("steps")
    listed = read_list(entry.node, "steps", faults) if entry and not is_null(entry.node) else None
    if (entry is None or is_null(entry.node)) or (listed and not listed.items):
        faults.add(mapping.mark, f"Phase '{shown(name)}' has 0 steps. Steps list must not be empty.")
    mappings = [read_map(item, "A step", faults) for item in listed.items] if listed else []
    steps = tuple(read_step(step, name, faults) for step in mappings if step)
    _check_unique([(step.name, step.mapping.mark) for step in steps], "Step", faults)
    loops = [(each.step.loop.name, each.step.mark) for each in steps if each.step and each.step.loop]
    _check_unique([loop for loop in loops if loop[0] != "loop"], "Loop", faults)
    outlines.append(PhaseOutline(name, steps))
    read = tuple(each.step for each in steps if each.step)
    return Phase(name, read, mapping.mark, flag_of(mapping, "disableLogging", faults))


def _check_unique(named: list[tuple[str, Mark]], what: str, faults: Faults) -> None:
    first: dict[str, Mark] = {}
    for name, mark in named:
        if name and name in first:
            faults.add(mark, f"{what} {name} is there twice; first in line {first[name].line}.")
        first.setdefault(name, mark)
