"""Which of a template's conditions hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from goldsmith.documents.faults import shown
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.documents.templates.dependencies import named_conditions
from goldsmith.documents.templates.functions import holds

if TYPE_CHECKING:
    from goldsmith.documents.source import Mark
    from goldsmith.documents.templates.scope import Scope

DEEPEST = 100
"""Conditions that build on each other."""


def settle_conditions(scope: Scope) -> Scope:
    """Return the scope with every condition decided. Raises DocumentError, also for conditions that go in circles."""
    conditions = _Conditions(scope)
    for name, entry in scope.template.conditions.entries.items():
        conditions.decide(name, entry.mark)
    return replace(scope, conditions=conditions.decided)


@dataclass
class _Conditions:
    """Decides conditions that may build on each other, each once."""

    scope: Scope
    decided: dict[str, bool] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def decide(self, name: str, mark: Mark) -> bool:
        entry = self.scope.template.conditions.entries.get(name)
        if name in self.decided or entry is None:
            return replace(self.scope, conditions=self.decided).condition(name, mark)
        if name in self.open:
            circle = " → ".join([*self.open[self.open.index(name) :], name])
            raise DocumentError((Fault(mark, f"These conditions wait for each other: {shown(circle)}."),))
        if len(self.open) == DEEPEST:
            raise DocumentError((Fault(mark, f"More than {DEEPEST} conditions build on each other here."),))
        self.open.append(name)
        for other, place in named_conditions(entry.node):
            self.decide(other, place)
        self.decided[name] = holds(entry.node, replace(self.scope, conditions=self.decided))
        self.open.pop()
        return self.decided[name]
