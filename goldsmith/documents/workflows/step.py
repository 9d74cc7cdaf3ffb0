"""A workflow document's step as data: what the parser promises and the interpreter runs (5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.source import Mark

Stage = Literal["BUILD", "TEST", "DISTRIBUTION"]
OnFailure = Literal["Abort", "Continue"]

STAGES: tuple[Stage, ...] = ("BUILD", "TEST", "DISTRIBUTION")
DEFAULT_BACKOFF_SECONDS = 30


@dataclass(frozen=True)
class Comparison:
    """``value`` OPERATOR ``baseline``; both are as written: a path, a template or a plain value."""

    operator: str
    baseline: Any
    value: Any


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` over several expressions, decided in their order; ``not`` over exactly one."""

    operator: Literal["and", "or", "not"]
    operands: tuple[Expression, ...]


Expression = Comparison | Logic


@dataclass(frozen=True)
class Retry:
    """How often a step is tried in all, and how many seconds lie between two attempts."""

    max_attempts: int = 1
    backoff_seconds: int = DEFAULT_BACKOFF_SECONDS


@dataclass(frozen=True)
class WorkflowStep:
    """One step. ``inputs`` are as written, with the suffix ``.$`` on keys whose value is a path.

    ``rollback_enabled`` is a flag or the path of one; times are in seconds.
    """

    name: str
    action: str
    mark: Mark
    timeout_seconds: int
    inputs: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    condition: Expression | None = None
    on_failure: OnFailure = "Abort"
    rollback_enabled: bool | str = True
    wait_seconds: int = 0
    retry: Retry = field(default_factory=Retry)
