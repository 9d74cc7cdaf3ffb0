"""All action modules by name (4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.documents.modules import (
    assertion,
    attributes,
    execution,
    files,
    folders,
    system,
    transfer,
    windows,
)

if TYPE_CHECKING:
    from goldsmith.documents.modules.declaration import Module

_GROUPS = (assertion, execution, transfer, files, folders, attributes, system, windows)

MODULES: dict[str, Module] = {module.name: module for group in _GROUPS for module in group.MODULES}
