"""The module that decides whether a build may go on: Assert."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import Module

ASSERT = Module(
    name="Assert",
    description="Fails the step unless an expression of comparison and logical operators is true.",
    shape="expression",
)

MODULES = (ASSERT,)
