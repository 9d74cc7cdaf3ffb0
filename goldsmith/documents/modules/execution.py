"""The modules that run something: ExecuteBash, ExecuteBinary, ExecuteDocument, ExecutePowerShell."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import UNIX, WINDOWS, Input, Module, Output

_STDOUT = Output("stdout", "What the command wrote to its standard output, without trailing white space.")

EXECUTE_BASH = Module(
    name="ExecuteBash",
    description="Runs shell commands as one bash script; exit code 194 asks for a reboot and the same step again.",
    shape="map",
    inputs=(Input("commands", "strings", "Commands, run as one script in the order given.", required=True),),
    outputs=(_STDOUT,),
    platforms=UNIX,
)

EXECUTE_BINARY = Module(
    name="ExecuteBinary",
    description="Runs a program with arguments, without a shell.",
    shape="map",
    inputs=(
        Input("path", "string", "The program: a path, or a name found in PATH.", required=True),
        Input("arguments", "strings", "Its arguments, one by one."),
    ),
    outputs=(_STDOUT,),
)

EXECUTE_DOCUMENT = Module(
    name="ExecuteDocument",
    description="Runs another component document, up to three levels deep.",
    shape="map",
    inputs=(
        Input("document", "string", "The document: a path, an s3:// address or a component's ARN.", required=True),
        Input("document-s3-bucket-owner", "string", "The account that owns the document's bucket."),
        Input("phases", "string", "Phases to run, separated by commas; all when left out."),
        Input("parameters", "parameters", "Values for the document's parameters, as a list of name and value."),
    ),
    outputs=(
        Output("executedStepCount", "How many steps ran."),
        Output("executionId", "The execution's id."),
        Output("failedStepCount", "How many steps failed."),
        Output("failureMessage", "Why it failed; empty when it did not."),
        Output("ignoredFailedStepCount", "How many steps failed with onFailure: Ignore."),
        Output("logUrl", "Where its logs are."),
        Output("status", "How it ended: success, failed or timedOut."),
    ),
    unlimited=True,
)

EXECUTE_POWERSHELL = Module(
    name="ExecutePowerShell",
    description="Runs PowerShell commands or a script file; exit code 3010 asks for a reboot.",
    shape="map",
    inputs=(
        Input("commands", "strings", "Commands, run as one script in the order given."),
        Input("file", "string", "The path of a .ps1 script."),
    ),
    outputs=(_STDOUT,),
    platforms=WINDOWS,
    exactly_one=(("commands", "file"),),
)

MODULES = (EXECUTE_BASH, EXECUTE_BINARY, EXECUTE_DOCUMENT, EXECUTE_POWERSHELL)
