"""The components that a recipe names: their documents read, their parameters checked, what they nest looked up."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.components import library
from goldsmith.components.library import UnknownComponent
from goldsmith.documents.component_reference import ComponentFile, parse_component_reference
from goldsmith.documents.faults import near_name
from goldsmith.documents.parser import parse_component
from goldsmith.documents.references import faults_across_stages
from goldsmith.documents.source import DocumentError
from goldsmith.executor.services import Services
from goldsmith.pipelines.plan import PlannedComponent
from goldsmith.pipelines.unresolved import UnresolvedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.documents.recipe import ComponentConfiguration

MAX_NESTING = 4
DOCUMENT_ENDINGS = (".yml", ".yaml", ".json")


def component_services(folder: Path) -> Services:
    """Return the outside world of a build: components by ARN are the managed ones."""
    return Services(find_component=partial(_by_arn, folder))


def read_component(reference: str, folder: Path) -> tuple[str, ComponentDocument]:
    """Return a component's name to show and its document. Raises UnresolvedError, UnknownComponent, DocumentError."""
    parsed = parse_component_reference(reference)
    if isinstance(parsed, ComponentFile):
        path = folder / Path(parsed.path).expanduser()
        return path.stem, parse_component(_text(path), str(path))
    managed = library.resolve(reference)
    return managed.name, parse_component(managed.text, f"{managed.name}/{managed.version}")


def planned_component(wanted: ComponentConfiguration, folder: Path, overrides: Mapping[str, str]) -> PlannedComponent:
    """Return a component with its parameters; ``overrides`` count where it declares them. Raises UnresolvedError."""
    name, document = read_component(wanted.component_arn, folder)
    declared = {parameter.name for parameter in document.parameters}
    given = {each.name: each.text for each in wanted.parameters}
    unknown = sorted(set(given) - declared)
    if unknown:
        raise UnresolvedError(
            f"The component {name} has no parameter {', '.join(unknown)}.",
            mend=f"It has: {', '.join(sorted(declared)) or 'none'}.",
        )
    values = given | {key: value for key, value in overrides.items() if key in declared}
    missing = [each.name for each in document.parameters if each.default is None and each.name not in values]
    if missing:
        raise UnresolvedError(
            f"The component {name} needs a value for {', '.join(missing)}.",
            mend=f"Give it in the recipe's parameters, or with --parameters {missing[0]}=…",
        )
    for each in document.parameters:
        if each.allowed_values and values.get(each.name, each.allowed_values[0]) not in each.allowed_values:
            raise UnresolvedError(
                f"The component {name} does not allow {each.name}={values[each.name]}.",
                mend=f"It allows: {', '.join(each.allowed_values)}.",
            )
    faults = faults_across_stages(document)
    if faults:
        raise DocumentError(faults)
    return PlannedComponent(name, document, values, tuple(_nested(document, folder, MAX_NESTING)))


def _nested(document: ComponentDocument, folder: Path, depth: int) -> list[str]:
    """Return the digests of the documents that ExecuteDocument steps name by path, and of those they name."""
    digests = []
    for phase in document.phases:
        for step in phase.steps:
            if step.action != "ExecuteDocument" or depth == 0 or not isinstance(step.inputs, dict):
                continue
            named = str(step.inputs.get("document", ""))
            for path in (Path(document.file).parent / named, folder / named):
                if named and path.is_file():
                    text = _text(path)
                    digests.append(hashlib.sha256(text.encode()).hexdigest())
                    digests += _nested(parse_component(text, str(path)), folder, depth - 1)
                    break
    return digests


def _by_arn(folder: Path, arn: str) -> ComponentDocument | None:
    try:
        return read_component(arn, folder)[1]
    except UnknownComponent:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as missing:
        near = near_name(path.name, [each.name for each in path.parent.glob("*") if each.suffix in DOCUMENT_ENDINGS])
        raise UnresolvedError(
            f"The component {path} cannot be read: {getattr(missing, 'strerror', 'it is not UTF-8 text')}.",
            mend=f"Did you mean {near}?" if near else "Paths are relative to the file that names them.",
        ) from missing
