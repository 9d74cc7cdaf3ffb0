"""What has been done to a build's sandbox: a small file, from which its tree is laid again after a restart."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "instances"


@dataclass(frozen=True)
class Deed:
    """One thing that was done to the tree by the step of id ``step``; together they make it what it is.

    A "component" has the ``arn``; a "command" its ``inputs``, and in ``outputs`` what came of it; a "cleanup" has
    its inputs in the recipe.
    """

    kind: Literal["component", "command", "cleanup"]
    step: str
    arn: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SandboxRecord:
    """A sandbox: its id, what its parent's archives were when it was launched, and the deeds in their order."""

    id: str
    archives: tuple[Mapping[str, Any], ...] = ()
    deeds: tuple[Deed, ...] = ()

    @classmethod
    def load(cls, build: Path, identifier: str) -> Self | None:
        """Return the record of a sandbox of the build whose folder is ``build``; None where it has none."""
        file = _file(build, identifier)
        try:
            value = json.loads(file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as wrong:
            raise GoldsmithError(f"The record of the sandbox {identifier}, {file}, is damaged.") from wrong
        return cls(value["id"], tuple(value["archives"]), tuple(Deed(**deed) for deed in value["deeds"]))

    def save(self, build: Path) -> None:
        """Write the record whole, or not at all."""
        file = _file(build, self.id)
        file.parent.mkdir(parents=True, exist_ok=True)
        arriving = file.with_name(f".{file.name}")
        with arriving.open("w") as out:
            json.dump(asdict(self), out)
            out.flush()
            os.fsync(out.fileno())
        arriving.replace(file)

    def remove(self, build: Path) -> None:
        """Forget the sandbox."""
        _file(build, self.id).unlink(missing_ok=True)

    def done(self, kind: str, step: str, arn: str = "") -> Deed | None:
        """Return what a step has done already."""
        found = (deed for deed in self.deeds if (deed.kind, deed.step, deed.arn) == (kind, step, arn))
        return next(found, None)

    def with_deed(self, deed: Deed) -> SandboxRecord:
        """Return the record with one more deed."""
        return replace(self, deeds=(*self.deeds, deed))


def _file(build: Path, identifier: str) -> Path:
    return build / FOLDER / f"{identifier}.json"
