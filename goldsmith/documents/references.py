"""Checking that the expressions of a component document name what exists (4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.documents.expressions import (
    ChainReference,
    ContextReference,
    ImdsReference,
    LoopReference,
    Name,
    SsmResolve,
    references,
)
from goldsmith.documents.faults import near_name
from goldsmith.documents.nodes import Mapping, Scalar, Sequence, place_of, scalars
from goldsmith.documents.source import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.documents.expressions import Reference
    from goldsmith.documents.faults import Faults
    from goldsmith.documents.nodes import Node
    from goldsmith.documents.source import Mark
    from goldsmith.documents.steps import StepOutline

CONTEXT_KEYS = (
    *("executionId", "accountId", "region", "osPlatform", "osName", "osVersion", "date", "dateTime"),
    *("uuid", "hostname", "phase", "step"),
)

_HOLDERS = ("inputs", "if", "loop")
_REFUSED_METADATA = ("iam", "identity-credentials")
_BUILD_STAGE = ("build", "validate")
_TEST_STAGE = ("test", "container-host-test")
_NEAR_PARAMETER = 0.8


@dataclass(frozen=True)
class PhaseOutline:
    """A phase as far as it could be read."""

    name: str
    steps: tuple[StepOutline, ...]


@dataclass(frozen=True)
class _Place:
    """The step an expression stands in, and where in the file."""

    phase: int
    step: int
    mark: Mark


def check_references(phases: tuple[PhaseOutline, ...], declared: Collection[str], source: str, faults: Faults) -> None:
    """Note every expression that cannot ever have a value.

    A bare name that resembles no declared one is left alone: it may be of another template language.
    """
    for phase_index, phase in enumerate(phases):
        for step_index, step in enumerate(phase.steps):
            for scalar, reference in _references_of(step):
                mark = place_of(source, scalar, reference.written)
                place = _Place(phase_index, step_index, mark)
                _check(reference, place, phases, declared, faults)


def faults_across_stages(document: ComponentDocument) -> tuple[Fault, ...]:
    """Return a fault for each test phase's expression that reaches into the build stage.

    The stages run on different machines, so that such an expression has a value only when all phases run
    in one go, as ``component run`` does, and never in a pipeline (4.2).
    """
    return tuple(
        Fault(step.mark, f"{{{{ {reference} }}}} has no value when phase {phase.name} runs on the finished image.")
        for phase in document.phases
        if phase.name in _TEST_STAGE
        for step in phase.steps
        for text in _texts((step.inputs, step.condition, step.loop))
        for reference in references(text)
        if isinstance(reference, ChainReference) and reference.phase in _BUILD_STAGE
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif hasattr(value, "__dataclass_fields__"):
        yield from _texts([getattr(value, name) for name in value.__dataclass_fields__])


def _references_of(step: StepOutline) -> Iterator[tuple[Scalar, Reference]]:
    for key in _HOLDERS:
        entry = step.mapping.entries.get(key)
        for scalar in scalars(entry.node) if entry else ():
            if "{{" in scalar.text:
                for reference in references(scalar.text):
                    yield scalar, reference


def _check(
    reference: Reference,
    place: _Place,
    phases: tuple[PhaseOutline, ...],
    declared: Collection[str],
    faults: Faults,
) -> None:
    match reference:
        case Name(name) if name not in declared:
            meant = near_name(name, declared, nearness=_NEAR_PARAMETER)
            if meant:
                faults.add(place.mark, f"{{{{ {name} }}}} is neither a parameter nor a constant.", meant=meant)
        case SsmResolve(Name(name)) if name not in declared:
            message = f"aws:ssm:resolve({name}) names neither a parameter nor a constant."
            faults.add_unknown(place.mark, message, name, declared)
        case ContextReference(key) if key not in CONTEXT_KEYS:
            faults.add_unknown(place.mark, f"There is no context variable '{key}'.", key, CONTEXT_KEYS)
        case ImdsReference(path) if path.split("/")[0] in _REFUSED_METADATA:
            faults.add(
                place.mark, f"Instance metadata below {path.split('/')[0]} may not be read: it holds credentials."
            )
        case LoopReference():
            _check_loop(reference, place, phases, faults)
        case ChainReference():
            _check_chain(reference, place, phases, faults)


def _check_loop(reference: LoopReference, place: _Place, phases: tuple[PhaseOutline, ...], faults: Faults) -> None:
    step = phases[place.phase].steps[place.step].step
    if step is None or step.loop is None or reference.name in {"loop", step.loop.name}:
        return
    meant = near_name(reference.name, (step.loop.name,), nearness=_NEAR_PARAMETER)
    if meant:
        faults.add(place.mark, f"{{{{ {reference} }}}} is not this step's loop.", meant=meant)


def _check_chain(reference: ChainReference, place: _Place, phases: tuple[PhaseOutline, ...], faults: Faults) -> None:
    said = f"{{{{ {reference} }}}}"
    names = [phase.name for phase in phases]
    if reference.phase not in names:
        faults.add_unknown(place.mark, f"{said}: there is no phase '{reference.phase}'.", reference.phase, names)
        return
    phase = names.index(reference.phase)
    steps = {step.name: index for index, step in reversed(list(enumerate(phases[phase].steps)))}
    if reference.step not in steps:
        message = f"{said}: phase {reference.phase} has no step '{reference.step}'."
        faults.add_unknown(place.mark, message, reference.step, steps)
        return
    index = steps[reference.step]
    if (phase, index) >= (place.phase, place.step):
        faults.add(place.mark, f"{said}: step {reference.step} does not run before this one.")
        return
    _check_key(reference, said, phases[phase].steps[index], place.mark, faults)


def _check_key(reference: ChainReference, said: str, step: StepOutline, mark: Mark, faults: Faults) -> None:
    module = step.module
    if module is None or (module.shape == "expression" and reference.side == "inputs"):
        return
    declared = module.inputs if reference.side == "inputs" else module.outputs
    names = [each.name for each in declared]
    if reference.key not in names:
        message = f"{said}: {module.name} has no {reference.side[:-1]} '{reference.key}'."
        faults.add_unknown(mark, message, reference.key, names)
        return
    _check_index(reference, said, step, mark, faults)


def _check_index(reference: ChainReference, said: str, step: StepOutline, mark: Mark, faults: Faults) -> None:
    entry = step.mapping.entries.get("inputs")
    if reference.index is None or reference.side == "outputs" or entry is None:
        return
    count = len(entry.node.items) if isinstance(entry.node, Sequence) else 1
    if reference.index >= count:
        plural = "input" if count == 1 else "inputs"
        faults.add(mark, f"{said}: step {step.name} has {count} {plural}, counted from 0.")
    elif isinstance(entry.node, Sequence) and not _is_set(reference.key, entry.node.items[reference.index], step):
        faults.add(mark, f"{said}: step {step.name} does not set {reference.key} there.")


def _is_set(key: str, operation: Node, step: StepOutline) -> bool:
    declared = step.module.input(key) if step.module else None
    has_default = declared is not None and declared.default is not None
    return has_default or not isinstance(operation, Mapping) or key in operation.entries
