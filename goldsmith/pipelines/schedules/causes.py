"""Why a pipeline builds, or does not: what is newer than what its last image is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_PACKAGES = 5


@dataclass(frozen=True)
class Newer:
    """Something that an image is made of and that is another now; ``before`` is what the last image has."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} {self.before or '(none)'} → {self.now}"


@dataclass(frozen=True)
class Causes:
    """All reasons to build. ``always`` is one that needs no update: a first build, or a schedule that always builds.

    ``passed_over`` are packages that the archives have in newer versions and that an image was built for already
    without getting them, as nothing in its recipe upgrades them. ``problems`` say what could not be looked at.
    """

    always: str = ""
    recipe: tuple[Newer, ...] = ()
    parent: tuple[Newer, ...] = ()
    components: tuple[Newer, ...] = ()
    packages: tuple[Newer, ...] = ()
    passed_over: tuple[Newer, ...] = ()
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.always or self.recipe or self.parent or self.components or self.packages)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value, without what is empty: an image's inner fact ``because``."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `as_json` made a value of; what else the value holds is left out."""
        kinds = ("recipe", "parent", "components", "packages", "passed_over")
        return cls(
            always=value.get("always", ""),
            problems=tuple(value.get("problems", ())),
            **{kind: tuple(Newer(**each) for each in value.get(kind, ())) for kind in kinds},
        )

    def __str__(self) -> str:
        """Say it in a line, with the first packages by name."""
        parts = [self.always] if self.always else []
        parts += [f"the recipe is another: {each}" for each in self.recipe]
        parts += [f"newer parent image: {each}" for each in self.parent]
        parts += [f"newer component: {each}" for each in self.components]
        if self.packages:
            few = ", ".join(str(each) for each in self.packages[:SHOWN_PACKAGES])
            more = len(self.packages) - SHOWN_PACKAGES
            parts.append(f"newer packages in the archives: {few}{f' and {more} more' if more > 0 else ''}")
        if not parts:
            parts.append("nothing that the last image is made of is newer")
            if self.passed_over:
                parts.append(f"newer packages that the recipe does not upgrade: {len(self.passed_over)}")
        return "; ".join([*parts, *self.problems])
