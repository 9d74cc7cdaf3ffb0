"""What a recipe's ``componentArn`` names: an ARN, or locally a file or a managed component (6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from goldsmith.documents.arns import Arn, ArnError
from goldsmith.documents.versions import VersionError, VersionPattern
from goldsmith.errors import GoldsmithError

_PATH_STARTS = ("./", "../", "/", "~/")
_FILE_ENDINGS = (".yml", ".yaml", ".json")
_MANAGED = re.compile(r"([a-z0-9][a-z0-9_-]{0,126})(?:/([0-9x.]+(?:/[0-9]+)?))?")
_FORMS = "Write a managed component's name such as nginx or nginx/1.x.x, a file such as ./hello.yml, or an ARN."


class ComponentReferenceError(GoldsmithError):
    """A ``componentArn`` of no known form."""

    def __init__(self, message: str, *, mend: str = _FORMS) -> None:
        super().__init__(message, mend=mend)


@dataclass(frozen=True)
class ComponentArn:
    """A component by its ARN."""

    arn: Arn


@dataclass(frozen=True)
class ComponentFile:
    """A component document; ``path`` as written, relative to the file that names it."""

    path: str


@dataclass(frozen=True)
class ManagedComponent:
    """A component that comes with Goldsmith."""

    name: str
    version: VersionPattern


ComponentReference = ComponentArn | ComponentFile | ManagedComponent


def parse_component_reference(value: str) -> ComponentReference:
    """Return what a ``componentArn`` names; raises ComponentReferenceError."""
    if value.startswith("arn:"):
        return _component_arn(value)
    if value.startswith(_PATH_STARTS) or value.lower().endswith(_FILE_ENDINGS):
        return ComponentFile(value)
    match = _MANAGED.fullmatch(value)
    if match is None:
        raise ComponentReferenceError(f"'{value[:200]}' is no component.")
    try:
        return ManagedComponent(match[1], VersionPattern.parse(match[2] or "x.x.x"))
    except VersionError as error:
        raise ComponentReferenceError(f"'{value}' names no version: {error.message}", mend=error.mend) from None


def _component_arn(value: str) -> ComponentArn:
    try:
        arn = Arn.parse(value)
    except ArnError as error:
        raise ComponentReferenceError(error.message, mend=error.mend) from None
    if arn.kind != "component":
        raise ComponentReferenceError(f"'{value}' is the ARN of a {arn.kind}, not of a component.")
    return ComponentArn(arn)
