"""The modules that set owners, permissions and encodings."""

from __future__ import annotations

from goldsmith.documents.modules.declaration import UNIX, Input, Module

_ENCODINGS = (
    *("utf8", "utf-8"),
    *("utf16", "utf-16", "utf16-LE", "utf-16-LE", "utf16-BE", "utf-16-BE"),
    *("utf32", "utf-32", "utf32-LE", "utf-32-LE", "utf32-BE", "utf-32-BE"),
)

ENCODING = Input("encoding", "string", "The text's encoding.", default="utf-8", choices=_ENCODINGS)
OWNER = Input("owner", "string", "A user's name or id.", pattern=r".+", form="a user")
GROUP = Input("group", "string", "A group's name or id; the owner's primary group when left out.")
_RECURSIVE = Input("recursive", "boolean", "Whether all that the folder holds is changed too.", default=True)
_FILE = Input("path", "string", "The file.", required=True)
_FOLDER = Input("path", "string", "The folder.", required=True)
_NEW_OWNER = Input("owner", "string", "A user's name or id.", required=True)


def permissions(default: str | None = None) -> Input:
    """Return the ``permissions`` input; without a default it must be given."""
    return Input(
        "permissions",
        "string",
        'An octal mode, such as "0644".',
        required=default is None,
        default=default,
        pattern=r"[0-7]{3,4}",
        form='an octal mode such as "0644"',
    )


SET_FILE_ENCODING = Module(
    name="SetFileEncoding",
    description="Converts a file from UTF-8 to another encoding.",
    shape="list",
    inputs=(_FILE, ENCODING),
)

SET_FILE_OWNER = Module(
    name="SetFileOwner",
    description="Sets a file's owner and group.",
    shape="list",
    inputs=(_FILE, _NEW_OWNER, GROUP),
    platforms=UNIX,
)

SET_FOLDER_OWNER = Module(
    name="SetFolderOwner",
    description="Sets a folder's owner and group.",
    shape="list",
    inputs=(_FOLDER, _NEW_OWNER, GROUP, _RECURSIVE),
    platforms=UNIX,
)

SET_FILE_PERMISSIONS = Module(
    name="SetFilePermissions",
    description="Sets a file's permissions.",
    shape="list",
    inputs=(_FILE, permissions()),
    platforms=UNIX,
)

SET_FOLDER_PERMISSIONS = Module(
    name="SetFolderPermissions",
    description="Sets a folder's permissions.",
    shape="list",
    inputs=(_FOLDER, permissions(), _RECURSIVE),
    platforms=UNIX,
)

MODULES = (
    SET_FILE_ENCODING,
    SET_FILE_OWNER,
    SET_FILE_PERMISSIONS,
    SET_FOLDER_OWNER,
    SET_FOLDER_PERMISSIONS,
)
