"""What has been done to a build's instance: a small file, by which a restarted server goes on where it was."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "instances"
ID = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Deed:
    """One thing that was done to an instance by the step of id ``step``; together they make it what it is.

    A "component" has the ``arn``; a "command" its ``inputs``, in ``outputs`` what came of it, and in ``run`` a random
    number, as it may do something else each time that it is run; a "cleanup" has its inputs in the recipe, and a
    machine's in ``outputs`` the rules that were ``skipped``.
    """

    kind: Literal["component", "command", "cleanup"]
    step: str
    arn: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""


@dataclass(frozen=True)
class InstanceRecord:
    """An instance by its id: what was done to it, in that order, and what was so when it was launched.

    Of a sandbox: ``ami`` and ``map``, what it was launched from where that is not the image's parent, and ``archives``,
    what its parent's package archives were; a container's host has the first two. Of a machine: ``accounts``, whoever
    it had in /etc/passwd.
    """

    id: str
    kind: Literal["sandbox", "machine", "container"]
    deeds: tuple[Deed, ...] = ()
    ami: str = ""
    map: str = ""
    archives: tuple[Mapping[str, Any], ...] = ()
    accounts: tuple[str, ...] = ()

    @classmethod
    def load(cls, build: Path, identifier: str) -> Self | None:
        """Return the record of an instance of the build whose folder is ``build``; None where it has none."""
        if not ID.fullmatch(identifier):  # it may be anything that a workflow's author wrote
            return None
        file = _file(build, identifier)
        try:
            value = json.loads(file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as wrong:
            raise GoldsmithError(f"The record of the instance {identifier}, {file}, is damaged.") from wrong
        lists = {name: tuple(value[name]) for name in ("archives", "accounts")}
        return cls(**{**value, **lists, "deeds": tuple(Deed(**deed) for deed in value["deeds"])})

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
        """Forget the instance."""
        _file(build, self.id).unlink(missing_ok=True)

    def done(self, kind: str, step: str, arn: str = "") -> Deed | None:
        """Return what a step has done already."""
        found = (deed for deed in self.deeds if (deed.kind, deed.step, deed.arn) == (kind, step, arn))
        return next(found, None)

    def with_deed(self, deed: Deed) -> InstanceRecord:
        """Return the record with one more deed."""
        return replace(self, deeds=(*self.deeds, deed))


def _file(build: Path, identifier: str) -> Path:
    return build / FOLDER / f"{identifier}.json"
