"""A component's document as the component that the catalogue gets.

Its name is the document's, or else the file's; its version is 1.0.0, and each change of the text is another build.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.cli.applying.change import Wanted
from goldsmith.documents.parser import parse_component
from goldsmith.documents.source import Mark

if TYPE_CHECKING:
    from typing import Any

    from goldsmith.cli.applying.change import Known

VERSION = "1.0.0"
OPEN_VERSION = "1.0.x"
"""What recipes name: a newer build is what the next image is made with, and what a schedule sees as an update."""

LONGEST_DESCRIPTION = 1024


def read_component(text: str, file: str) -> Wanted:
    """Return the component that a document wants. Raises DocumentError."""
    document = parse_component(text, file)
    name = document.name or Path(file).stem
    parameters: dict[str, Any] = {"name": name, "semanticVersion": VERSION, "platform": "Linux", "data": text}
    if document.description:
        parameters["description"] = document.description[:LONGEST_DESCRIPTION]

    def given(_: Known) -> dict[str, Any]:
        return parameters

    return Wanted(component_key(file), "component", name, Mark(file, 1, 1), given)


def component_key(file: str) -> str:
    """Return the key of a component's file, the same however the path to it is said."""
    return f"component {Path(file).resolve()}"
