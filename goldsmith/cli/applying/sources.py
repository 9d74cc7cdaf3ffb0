"""The files that are applied: which there are, and what each is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from goldsmith.cli.output import UsageError
from goldsmith.cli.validate import read_document
from goldsmith.documents.kind import kind_of
from goldsmith.documents.source import DocumentError
from goldsmith.documents.templates.template import compose_template, is_template

ENDINGS = (".yml", ".yaml", ".json", ".template")
MOST_FILES = 1000
_RESOURCES = re.compile(r"""^\s*"?Resources"?\s*:""", re.MULTILINE)

SourceKind = Literal["component", "pipeline", "template", "other"]


@dataclass(frozen=True)
class Source:
    """A file that is applied. ``path`` is as the person said it, which faults repeat."""

    path: str
    kind: SourceKind
    text: str

    @property
    def place(self) -> Path:
        """Where it is, for what it names relative to itself."""
        return Path(self.path).absolute()


def read_sources(said: str) -> list[Source]:
    """Return a file, or all files of a folder that can be applied. Raises UsageError."""
    path = Path(said)
    if not path.is_dir():
        source = _read(said)
        if source.kind == "other":
            raise UsageError(
                f"{said} is no pipeline file, no CloudFormation template and no component document.",
                mend="A pipeline has an imageRecipe, a template has Resources, a component has phases.",
            )
        return [source]
    files = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.is_file())
    if len(files) > MOST_FILES:
        raise UsageError(f"{said} holds {len(files)} documents.", mend=f"Apply at most {MOST_FILES} at once.")
    sources = [source for source in map(_read, map(str, files)) if source.kind != "other"]
    if not sources:
        raise UsageError(f"{said} holds nothing to apply.", mend="Put pipeline files, templates or components in it.")
    return sources


def _read(path: str) -> Source:
    text = read_document(path)
    return Source(path, _kind(text), text)


def _kind(text: str) -> SourceKind:
    try:
        if is_template(compose_template(text, "")):
            return "template"
    except DocumentError:
        if _RESOURCES.search(text):
            return "template"
    return kind_of(text)
