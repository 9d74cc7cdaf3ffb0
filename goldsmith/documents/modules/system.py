"""The modules that act on the whole system: Reboot, UpdateOS."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import Input, Module

REBOOT = Module(
    name="Reboot",
    description="Restarts the machine and goes on with the next step.",
    shape="map",
    inputs=(Input("delaySeconds", "integer", "How long to wait first, in seconds.", default=0),),
    needs_inputs=False,
)

UPDATE_OS = Module(
    name="UpdateOS",
    description="Installs the operating system's updates.",
    shape="map",
    inputs=(
        Input("include", "strings", "Only these packages; all when left out."),
        Input("exclude", "strings", "All but these packages."),
    ),
    needs_inputs=False,
)

MODULES = (REBOOT, UPDATE_OS)
