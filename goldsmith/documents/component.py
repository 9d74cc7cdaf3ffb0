"""A component document as data: what the parser promises and the executor runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from goldsmith.documents.source import Mark

OnFailure = Literal["Abort", "Continue", "Ignore"]
Decision = Literal["Abort", "Execute", "Skip"]

DEFAULT_TIMEOUT_SECONDS = 7200


@dataclass(frozen=True)
class Parameter:
    """A declared parameter; ``default`` is None when the caller must supply a value.

    ``allowed_values`` is empty when any value will do.
    """

    name: str
    default: str | None
    description: str
    mark: Mark
    allowed_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Constant:
    """A named value, fixed in the document."""

    name: str
    value: str
    mark: Mark


@dataclass(frozen=True)
class Comparison:
    """One operator of 4.8: ``baseline`` is what stands under the operator's key.

    ``value`` is the sibling ``value`` (or ``path`` for the file digests); None for one-operand operators.
    """

    operator: str
    baseline: Any
    value: Any = None


@dataclass(frozen=True)
class Logic:
    """``and``, ``or`` over several expressions; ``not`` over exactly one."""

    operator: Literal["and", "or", "not"]
    operands: tuple[Expression, ...]


Expression = Comparison | Logic


@dataclass(frozen=True)
class Condition:
    """A step's ``if``: the expression and what to do when it is true and when it is false."""

    expression: Expression
    then: Decision = "Execute"
    otherwise: Decision = "Skip"


@dataclass(frozen=True)
class ForLoop:
    """``loop.for``: ``end`` is inclusive, ``update_by`` leads towards it."""

    start: int
    end: int
    update_by: int
    name: str = "loop"


@dataclass(frozen=True)
class ForEachLoop:
    """``loop.forEach``: either a list of strings, or one string split by ``delimiter``; both may hold expressions."""

    items: tuple[str, ...] | str
    delimiter: str | None = None
    name: str = "loop"


Loop = ForLoop | ForEachLoop


@dataclass(frozen=True)
class Step:
    """One step. ``inputs`` is as written (mapping or list, expressions unresolved); an Assert's is an Expression.

    ``timeout_seconds`` of -1 means no limit.
    """

    name: str
    action: str
    inputs: Any
    mark: Mark
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    on_failure: OnFailure = "Abort"
    max_attempts: int = 1
    disable_logging: bool = False
    condition: Condition | None = None
    loop: Loop | None = None


@dataclass(frozen=True)
class Phase:
    """Steps that run together: ``build``, ``validate``, ``test`` or a name of the author's own."""

    name: str
    steps: tuple[Step, ...]
    mark: Mark
    disable_logging: bool = False


@dataclass(frozen=True)
class ComponentDocument:
    """A whole, valid component document. ``source`` is its text, ``file`` where it came from."""

    name: str
    description: str
    phases: tuple[Phase, ...]
    source: str
    file: str
    parameters: tuple[Parameter, ...] = ()
    constants: tuple[Constant, ...] = ()
    disable_logging: bool = False
    schema_version: str = "1.0"

    @property
    def type(self) -> Literal["BUILD", "TEST"]:
        """TEST when the only phase is ``test``, BUILD otherwise (4.2)."""
        return "TEST" if [phase.name for phase in self.phases] == ["test"] else "BUILD"

    def phase(self, name: str) -> Phase | None:
        """Return the phase of that name, if the document has one."""
        return next((phase for phase in self.phases if phase.name == name), None)
