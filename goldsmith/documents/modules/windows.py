"""The modules that only Windows has: InstallMSI, UninstallMSI, SetRegistry."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import WINDOWS, Input, Module, Output

_MSI_INPUTS = (
    Input("path", "string", "The .msi file.", required=True),
    Input("reboot", "string", "What to do about a reboot.", default="Allow", choices=("Allow", "Force", "Skip")),
    Input("logOptions", "string", "What the installer logs.", default="*VX"),
    Input("logFile", "string", "Where the installer logs to."),
    Input("properties", "properties", "Properties for the installer, by name."),
    Input("ignoreAuthenticodeSignatureErrors", "boolean", "Whether a bad signature is no error.", default=False),
    Input("allowUnsignedInstaller", "boolean", "Whether the file may be unsigned.", default=False),
)
_STDOUT = Output("stdout", "What the installer wrote.")

INSTALL_MSI = Module(
    name="InstallMSI",
    description="Installs Windows installer packages.",
    shape="either",
    inputs=_MSI_INPUTS,
    outputs=(_STDOUT,),
    platforms=WINDOWS,
)

UNINSTALL_MSI = Module(
    name="UninstallMSI",
    description="Removes Windows installer packages.",
    shape="either",
    inputs=_MSI_INPUTS,
    outputs=(_STDOUT,),
    platforms=WINDOWS,
)

SET_REGISTRY = Module(
    name="SetRegistry",
    description="Sets values in the Windows registry.",
    shape="list",
    inputs=(
        Input("path", "string", "The registry key.", required=True),
        Input("name", "string", "The value's name.", required=True),
        Input("value", "any", "The value.", required=True),
        Input(
            "type",
            "string",
            "The value's type.",
            required=True,
            choices=("BINARY", "DWORD", "QWORD", "SZ", "EXPAND_SZ", "MULTI_SZ"),
        ),
    ),
    platforms=WINDOWS,
)

MODULES = (INSTALL_MSI, SET_REGISTRY, UNINSTALL_MSI)
