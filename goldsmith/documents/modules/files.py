"""The modules that write, copy, move, read and delete files."""

from __future__ import annotations

from goldsmith.documents.modules.attributes import ENCODING, GROUP, OWNER, permissions
from goldsmith.documents.modules.declaration import Input, Module, Output

_PATH = Input("path", "string", "The file.", required=True)
_CONTENT = Input("content", "string", "The text.", default="")
_DESTINATION = Input("destination", "string", "Where to; into that folder when it ends in /.", required=True)
_SOURCE = Input("source", "string", "The file; its last segment may hold *.", required=True)
_OVERWRITE = Input("overwrite", "boolean", "Whether an existing file is replaced.", default=True)

APPEND_FILE = Module(
    name="AppendFile",
    description="Adds text to the end of an existing file.",
    shape="list",
    inputs=(_PATH, _CONTENT, ENCODING),
)

CREATE_FILE = Module(
    name="CreateFile",
    description="Writes a file, making its folders.",
    shape="list",
    inputs=(_PATH, _CONTENT, ENCODING, OWNER, GROUP, permissions("0666"), _OVERWRITE),
)

COPY_FILE = Module(
    name="CopyFile",
    description="Copies files, making the destination's folders.",
    shape="list",
    inputs=(_SOURCE, _DESTINATION, _OVERWRITE),
    wildcard="source",
)

MOVE_FILE = Module(
    name="MoveFile",
    description="Moves files, making the destination's folders.",
    shape="list",
    inputs=(_SOURCE, _DESTINATION, _OVERWRITE),
    wildcard="source",
)

DELETE_FILE = Module(
    name="DeleteFile",
    description="Deletes files.",
    shape="list",
    inputs=(Input("path", "string", "The file; its last segment may hold *.", required=True),),
    wildcard="path",
)

CREATE_SYMLINK = Module(
    name="CreateSymlink",
    description="Makes a symbolic link to something that exists.",
    shape="list",
    inputs=(
        Input("path", "string", "The link.", required=True),
        Input("target", "string", "What it points to.", required=True),
        Input("force", "boolean", "Whether an existing link is replaced.", default=False),
    ),
)

READ_FILE = Module(
    name="ReadFile",
    description="Reads a text file.",
    shape="list",
    inputs=(
        _PATH,
        ENCODING,
        Input("printFileContent", "boolean", "Whether the text goes to the console log.", default=False),
    ),
    outputs=(Output("content", "The file's text."),),
)

MODULES = (APPEND_FILE, COPY_FILE, CREATE_FILE, CREATE_SYMLINK, DELETE_FILE, MOVE_FILE, READ_FILE)
