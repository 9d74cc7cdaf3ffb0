"""A container recipe's Dockerfile template and its three placeholders (6.2)."""

from __future__ import annotations

import json
import re

HOLD = 'echo "$1 $$"; kill -STOP $$'
"""What a process in a container does for us: it says where it is, after a token, and stands still until told to go."""

_PLACEHOLDER = re.compile(r"\{\{\{\s*imagebuilder:(parentImage|environments|components)\s*\}\}\}")


def holding(token: str) -> list[str]:
    """Return the argv of a process that stands still in a container until it is told to go on."""
    return ["/bin/sh", "-c", HOLD, "sh", token]


def render(template: str, *, parent: str, token: str = "") -> str:
    """Return the Dockerfile of a template. ``token`` is of the run that the components have, "" for no components.

    Nothing needs to be brought into the container for them, so that the environments' place stays empty.
    """
    run = f"RUN {json.dumps(holding(token))}" if token else ""
    filled = {"parentImage": parent, "environments": "", "components": run}
    return _PLACEHOLDER.sub(lambda found: filled[found[1]], template)
