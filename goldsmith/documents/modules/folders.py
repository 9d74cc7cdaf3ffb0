"""The modules that make, copy, move, list and delete folders."""

from __future__ import annotations

from goldsmith.documents.modules.attributes import GROUP, OWNER, permissions
from goldsmith.documents.modules.declaration import Input, Module, Output

_PATH = Input("path", "string", "The folder.", required=True)
_SOURCE = Input("source", "string", "The folder; its last segment may hold *.", required=True)
_DESTINATION = Input("destination", "string", "Where to; into that folder when it ends in /.", required=True)
_OVERWRITE = Input("overwrite", "boolean", "Whether an existing folder is replaced.", default=True)

CREATE_FOLDER = Module(
    name="CreateFolder",
    description="Makes a folder and those above it.",
    shape="list",
    inputs=(_PATH, OWNER, GROUP, permissions("0777"), _OVERWRITE),
)

COPY_FOLDER = Module(
    name="CopyFolder",
    description="Copies what a folder holds, with all below it.",
    shape="list",
    inputs=(_SOURCE, _DESTINATION, _OVERWRITE),
    wildcard="source",
)

MOVE_FOLDER = Module(
    name="MoveFolder",
    description="Moves a folder with all it holds.",
    shape="list",
    inputs=(_SOURCE, _DESTINATION, _OVERWRITE),
    wildcard="source",
)

DELETE_FOLDER = Module(
    name="DeleteFolder",
    description="Deletes a folder.",
    shape="list",
    inputs=(_PATH, Input("force", "boolean", "Whether a folder that is not empty is deleted.", default=False)),
)

LIST_FILES = Module(
    name="ListFiles",
    description="Lists the files of a folder.",
    shape="list",
    inputs=(
        _PATH,
        Input("fileNamePattern", "string", "Which names to list.", default="*"),
        Input("recursive", "boolean", "Whether folders below are listed too.", default=False),
    ),
    outputs=(Output("files", "Absolute paths, separated by commas."),),
)

MODULES = (COPY_FOLDER, CREATE_FOLDER, DELETE_FOLDER, LIST_FILES, MOVE_FOLDER)
