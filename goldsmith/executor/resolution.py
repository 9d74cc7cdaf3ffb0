"""Giving the expressions of 4.3 their values, just before a step runs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goldsmith.documents.component import Comparison, Logic
from goldsmith.documents.expressions import (
    ChainReference,
    ContextReference,
    EnvReference,
    ImdsReference,
    LoopReference,
    Name,
    SsmReference,
    SsmResolve,
    render,
)
from goldsmith.executor.failures import ActionError
from goldsmith.executor.parameter_store import read_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.component import ComponentDocument, Expression
    from goldsmith.documents.expressions import Reference
    from goldsmith.executor.chain import Chain
    from goldsmith.executor.facts import GuestFacts
    from goldsmith.executor.loops import Iteration
    from goldsmith.executor.redaction import Redactor
    from goldsmith.executor.services import Services


def declared_values(document: ComponentDocument, supplied: Mapping[str, str]) -> dict[str, str]:
    """Return the document's constants and parameters with their values.

    A supplied value that is not declared is ignored; a parameter without any value is empty (4.3).
    """
    values = {constant.name: constant.value for constant in document.constants}
    for parameter in document.parameters:
        values[parameter.name] = supplied.get(parameter.name, parameter.default or "")
    return values


@dataclass(frozen=True)
class Resolver:
    """Resolves for one place: a step, and within a loop one iteration. ``record`` collects what was resolved."""

    execution_id: str
    values: Mapping[str, str]
    chain: Chain
    facts: GuestFacts
    services: Services
    redactor: Redactor
    record: list[dict[str, str]]
    phase: str = ""
    step: str = ""
    iteration: Iteration | None = None

    def at(self, phase: str, step: str) -> Resolver:
        """Return this resolver for a step."""
        return replace(self, phase=phase, step=step)

    def within(self, iteration: Iteration) -> Resolver:
        """Return this resolver for a loop's turn."""
        return replace(self, iteration=iteration)

    def text(self, text: str) -> str:
        """Return a string with its expressions replaced; text that is no known form stays as it is."""
        return render(text, self._value) if "{{" in text else text

    def tree(self, data: Any) -> Any:
        """Return inputs with every string in them resolved, an Assert's expression among them."""
        match data:
            case str():
                return self.text(data)
            case dict():
                return {self.tree(key): self.tree(value) for key, value in data.items()}
            case list() | tuple():
                return [self.tree(value) for value in data]
            case Comparison() | Logic():
                return self._expression(data)
        return data

    def _expression(self, expression: Expression) -> Expression:
        if isinstance(expression, Logic):
            return replace(expression, operands=tuple(map(self._expression, expression.operands)))
        return replace(expression, baseline=self.tree(expression.baseline), value=self.tree(expression.value))

    def _value(self, reference: Reference) -> str | None:
        value = self._look_up(reference)
        if value is not None:
            self.record.append(
                {
                    "phase": self.phase,
                    "step": self.step,
                    "expression": str(reference),
                    "value": self.redactor.text(value),
                }
            )
        return value

    def _look_up(self, reference: Reference) -> str | None:
        match reference:
            case Name(name):
                return self.values.get(name)
            case LoopReference(name, field):
                return self._loop(name, field)
            case ChainReference(phase, step, side, index, key):
                return self.chain.value(phase, step, side, index, key)
            case ContextReference(key):
                return self._context(key)
            case _:
                return self._look_outside(reference)

    def _look_outside(self, reference: SsmReference | SsmResolve | EnvReference | ImdsReference) -> str:
        match reference:
            case SsmReference(name):
                return self._stored(name)
            case SsmResolve(inner):
                return self._stored(self._parameter_name(inner))
            case EnvReference(name):
                return self._environment(name)
            case ImdsReference(path):
                return self._metadata(path)

    def _loop(self, name: str, field: str) -> str | None:
        if self.iteration is None or name not in {"loop", self.iteration.name}:
            return None
        return str(self.iteration.index) if field == "index" else self.iteration.value

    def _stored(self, name: str) -> str:
        parameter = read_parameter(name, self.services)
        if parameter.secret:
            self.redactor.add(parameter.value)
        return parameter.value

    def _parameter_name(self, inner: Name | SsmReference) -> str:
        name = self._look_up(inner)
        if not name:
            raise ActionError(f"{{{{ aws:ssm:resolve({inner}) }}}} names no parameter: {inner} has no value.")
        return name

    def _environment(self, name: str) -> str:
        value = self.facts.environment().get(name)
        if value is None:
            raise ActionError(f"{{{{ env:{name} }}}} has no value: the guest's environment has no variable {name}.")
        return value

    def _metadata(self, path: str) -> str:
        value = self.services.instance_metadata(path)
        if value is None:
            raise ActionError(
                f"{{{{ aws:imds:{path} }}}} has no value: there is no such instance metadata here.",
                mend="In a sandbox there is no instance; give the value as metadata, or build on a machine.",
            )
        return value

    def _context(self, key: str) -> str | None:
        now = datetime.now(UTC)
        known: dict[str, Callable[[], str]] = {
            "executionId": lambda: self.execution_id,
            "accountId": lambda: self.services.account_id,
            "region": lambda: self.services.region,
            "osPlatform": lambda: "linux",
            "osName": lambda: self.facts.operating_system()[0],
            "osVersion": lambda: self.facts.operating_system()[1],
            "date": lambda: f"{now:%Y-%m-%d}",
            "dateTime": lambda: f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "uuid": lambda: str(uuid.uuid4()),
            "hostname": self.facts.hostname,
            "phase": lambda: self.phase,
            "step": lambda: self.step,
        }
        return known[key]() if key in known else None
