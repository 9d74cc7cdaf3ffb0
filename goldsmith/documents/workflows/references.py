"""Checking that the references of a workflow document name what exists (5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.faults import near_name, shown
from goldsmith.documents.nodes import Mapping, Scalar, Sequence, place_of
from goldsmith.documents.workflows.paths import ROOTS, Path, Template, parse_path, parse_value, split_key
from goldsmith.documents.workflows.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node
    from goldsmith.documents.workflows.document import WorkflowDocument
    from goldsmith.documents.workflows.step import Stage
    from goldsmith.documents.workflows.steps import StepOutline

_HOLDERS = ("inputs", "if", "rollbackEnabled", "rollbackEnabled.$")


def check_references(
    steps: tuple[StepOutline, ...],
    outputs: Node | None,
    parameters: Collection[str],
    stage: Stage | None,
    source: str,
    faults: Faults,
) -> None:
    """Note every reference of the steps and of the outputs that can never have a value."""
    known = _Known(steps, parameters, stage)
    for place, outline in enumerate(steps):
        for holder in _HOLDERS:
            if holder in outline.mapping.entries:
                below = Mapping(outline.mapping.mark, {holder: outline.mapping.entries[holder]})
                _check(below, place, known, source, faults)
    if outputs is not None:
        _check(outputs, len(steps), known, source, faults)


def workflow_outputs_used(document: WorkflowDocument) -> tuple[str, ...]:
    """Return the names of earlier workflows' outputs that a document refers to, in the order of their first use."""
    values = [(step.inputs, step.condition, step.rollback_enabled) for step in document.steps]
    used = [path for value in (*values, [each.value for each in document.outputs]) for path in _paths_of(value)]
    return tuple(dict.fromkeys(str(path.parts[1]) for path in used if path.root == "workflowOutputs"))


def _paths_of(value: object) -> Iterator[Path]:
    if isinstance(value, str):
        found = parse_value(value)
        yield from [found] if isinstance(found, Path) else _paths_in(found) if isinstance(found, Template) else []
    elif isinstance(value, dict):
        for each in value.values():
            yield from _paths_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _paths_of(each)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _paths_of(getattr(value, name))


def _paths_in(template: Template) -> list[Path]:
    return [part for part in template.parts if isinstance(part, Path)]


def _check(node: Node, place: int, known: _Known, source: str, faults: Faults) -> None:
    for scalar, path in _references(node, faults):
        if faults.full:
            return
        message, meant = known.check(path, place)
        if message:
            faults.add(place_of(source, scalar, path.written), message, meant=meant)


def _references(node: Node, faults: Faults) -> Iterator[tuple[Scalar, Path]]:
    """Yield each reference below a node; what cannot stand under a key with the suffix becomes a fault."""
    match node:
        case Scalar():
            found = parse_value(node.text)
            paths = [found] if isinstance(found, Path) else _paths_in(found) if isinstance(found, Template) else []
            yield from ((node, path) for path in paths)
        case Sequence(_, items):
            for item in items:
                yield from _references(item, faults)
        case Mapping(_, entries):
            for key, entry in entries.items():
                if split_key(key)[1]:
                    yield from _suffixed(key, entry.node, faults)
                else:
                    yield from _references(entry.node, faults)


def _suffixed(key: str, node: Node, faults: Faults) -> Iterator[tuple[Scalar, Path]]:
    """Yield what a value under a key with the suffix refers to; official examples have plain values and lists there."""
    path = parse_path(node.text) if isinstance(node, Scalar) else None
    if path and isinstance(node, Scalar):
        yield node, path
    elif isinstance(node, Scalar) and node.text.startswith("$."):
        said = shown(node.text)
        faults.add(node.mark, f"{shown(key)} must be a path, such as $.stepOutputs.MyStep.instanceId, but is '{said}'.")
    else:
        yield from _references(node, faults)


class _Known:
    """What references can name."""

    def __init__(self, steps: tuple[StepOutline, ...], parameters: Collection[str], stage: Stage | None) -> None:
        self._steps = steps
        self._parameters = parameters
        self._stage = stage
        self._places: dict[str, int] = {}
        for place, outline in enumerate(steps):
            self._places.setdefault(outline.name, place)

    def check(self, path: Path, place: int) -> tuple[str, str]:
        """Return what is wrong with a reference in the step at ``place``, and what was meant; empty when nothing is."""
        if path.root not in ROOTS:
            message = f"{path}: there is no '{path.root}'; it is {', '.join(ROOTS[:-1])} or {ROOTS[-1]}."
            return message, near_name(path.root, ROOTS)
        if len(path.parts) == 1 or not isinstance(path.parts[1], str):
            return f"{path} names nothing below {path.root}.", ""
        return self._check_name(path, path.parts[1], place)

    def _check_name(self, path: Path, name: str, place: int) -> tuple[str, str]:
        match path.root:
            case "parameters" if name not in self._parameters:
                return f"{path}: there is no parameter '{name}'.", near_name(name, self._parameters)
            case "imagebuilder" if name not in VARIABLES:
                return f"{path}: there is no variable '{name}'.", near_name(name, VARIABLES)
            case "workflowOutputs" if self._stage == "BUILD":
                return f"{path}: a BUILD workflow is the first, and no workflow before it has outputs.", ""
            case "stepOutputs":
                return self._check_step(path, name, place)
        return "", ""

    def _check_step(self, path: Path, name: str, place: int) -> tuple[str, str]:
        found = self._places.get(name)
        if found is None:
            return f"{path}: there is no step '{name}'.", near_name(name, self._places)
        if found >= place:
            return f"{path}: step {name} does not run before this one.", ""
        rule = self._steps[found].rule
        if rule is None:
            return "", ""
        output = path.parts[2] if len(path.parts) > 2 else ""  # noqa: PLR2004  # root, step, output
        if not isinstance(output, str) or rule.output(output) is None:
            names = [each.name for each in rule.outputs]
            said = f"no output '{output}'" if output else "several outputs, and this names none of them"
            return f"{path}: {rule.name} has {said if names else 'no outputs'}.", near_name(str(output), names)
        return "", ""
