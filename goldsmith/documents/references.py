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
_MOST_NAMES = 64


@dataclass(frozen=True)
class PhaseOutline:
    """A phase as far as it could be read."""

    name: str
    steps: tuple[StepOutline, ...]


def check_references(phases: tuple[PhaseOutline, ...], declared: Collection[str], source: str, faults: Faults) -> None:
    """Note every expression that cannot ever have a value.

    A bare name that resembles no declared one is left alone: it may be of another template language.
    """
    names = _Names(phases, declared)
    for phase_index, phase in enumerate(phases):
        for step_index, step in enumerate(phase.steps):
            for scalar, reference in _references_of(step):
                if faults.full:
                    return
                message, meant = names.check(reference, (phase_index, step_index))
                if message:
                    faults.add(place_of(source, scalar, reference.written), message, meant=meant)


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


class _Names:
    """What there is to refer to in a document; each check answers with a fault's message and the name meant."""

    def __init__(self, phases: tuple[PhaseOutline, ...], declared: Collection[str]) -> None:
        self._phases = phases
        self._declared = declared
        self._near: dict[str, str] = {}
        self._phase_places: dict[str, int] = {}
        self._step_places: dict[tuple[str, str], tuple[int, int]] = {}
        for phase_index, phase in enumerate(phases):
            self._phase_places.setdefault(phase.name, phase_index)
            for step_index, step in enumerate(phase.steps):
                self._step_places.setdefault((phase.name, step.name), (phase_index, step_index))

    def check(self, reference: Reference, place: tuple[int, int]) -> tuple[str, str]:  # noqa: PLR0911  # one return a form
        """Return what is wrong with a reference in the step at ``place``; empty text when nothing is."""
        match reference:
            case Name(name) if name not in self._declared and self._near_declared(name):
                return f"{{{{ {name} }}}} is neither a parameter nor a constant.", self._near_declared(name)
            case SsmResolve(Name(name)) if name not in self._declared:
                message = f"aws:ssm:resolve({name}) names neither a parameter nor a constant."
                return message, self._near_declared(name)
            case ContextReference(key) if key not in CONTEXT_KEYS:
                return f"There is no context variable '{key}'.", near_name(key, CONTEXT_KEYS)
            case ImdsReference(path) if path.split("/")[0] in _REFUSED_METADATA:
                return f"Instance metadata below {path.split('/')[0]} may not be read: it holds credentials.", ""
            case LoopReference():
                return self._check_loop(reference, place)
            case ChainReference():
                message, meant = self._check_chain(reference, place)
                return message and f"{{{{ {reference} }}}}: {message}", meant
        return "", ""

    def _near_declared(self, name: str) -> str:
        if name not in self._near and len(self._near) < _MOST_NAMES and len(self._declared) < _MOST_NAMES:
            self._near[name] = near_name(name, self._declared, nearness=_NEAR_PARAMETER)
        return self._near.get(name, "")

    def _check_loop(self, reference: LoopReference, place: tuple[int, int]) -> tuple[str, str]:
        step = self._phases[place[0]].steps[place[1]].step
        if step is None or step.loop is None or reference.name in {"loop", step.loop.name}:
            return "", ""
        meant = near_name(reference.name, (step.loop.name,), nearness=_NEAR_PARAMETER)
        return (f"{{{{ {reference} }}}} is not this step's loop." if meant else ""), meant

    def _check_chain(self, reference: ChainReference, place: tuple[int, int]) -> tuple[str, str]:
        phase = self._phase_places.get(reference.phase)
        if phase is None:
            return f"there is no phase '{reference.phase}'.", near_name(reference.phase, self._phase_places)
        found = self._step_places.get((reference.phase, reference.step))
        if found is None:
            names = [step.name for step in self._phases[phase].steps[:_MOST_NAMES]]
            return f"phase {reference.phase} has no step '{reference.step}'.", near_name(reference.step, names)
        if found >= place:
            return f"step {reference.step} does not run before this one.", ""
        return _check_key(reference, self._phases[found[0]].steps[found[1]])


def _check_key(reference: ChainReference, step: StepOutline) -> tuple[str, str]:
    module = step.module
    if module is None or (module.shape == "expression" and reference.side == "inputs"):
        return "", ""
    declared = module.inputs if reference.side == "inputs" else module.outputs
    names = [each.name for each in declared]
    if reference.key not in names:
        message = f"{module.name} has no {reference.side[:-1]} '{reference.key}'."
        return message, near_name(reference.key, names)
    return _check_index(reference, step), ""


def _check_index(reference: ChainReference, step: StepOutline) -> str:
    entry = step.mapping.entries.get("inputs")
    if reference.index is None or reference.side == "outputs" or entry is None:
        return ""
    count = len(entry.node.items) if isinstance(entry.node, Sequence) else 1
    if reference.index >= count:
        return f"step {step.name} has {count} {'input' if count == 1 else 'inputs'}, counted from 0."
    if isinstance(entry.node, Sequence) and not _is_set(reference.key, entry.node.items[reference.index], step):
        return f"step {step.name} does not set {reference.key} there."
    return ""


def _is_set(key: str, operation: Node, step: StepOutline) -> bool:
    declared = step.module.input(key) if step.module else None
    has_default = declared is not None and declared.default is not None
    return has_default or not isinstance(operation, Mapping) or key in operation.entries
