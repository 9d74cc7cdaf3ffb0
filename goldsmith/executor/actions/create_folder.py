"""CreateFolder: a new, empty folder (4.6)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

SYSTEM_FOLDERS = frozenset(
    {
        *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run"),
        *("/sbin", "/srv", "/sys", "/tmp", "/usr", "/var"),  # noqa: S108  # a name to compare with
    }
)

_CREATE = 'rm -rf -- "$1" && mkdir -p -- "$2" && mkdir -- "$1" && chmod "$(printf %o $((0$3 & ~0$(umask))))" "$1"'


def create_folder(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Make ``path``; an existing folder is replaced by an empty one unless ``overwrite`` is false.

    A system folder such as /etc is never replaced: that is an error.
    """
    path = guest_files.absolute(attempt, inputs.text("path")).rstrip("/") or "/"
    mode = guest_files.checked_mode(inputs.strictly_text("permissions", "0777"))
    guest_files.forbid_existing(attempt, path, overwrite=inputs.flag("overwrite", default=True))
    if posixpath.normpath(path).replace("//", "/") in SYSTEM_FOLDERS and guest_files.exists(attempt, path):
        raise ActionError(
            f"CreateFolder would empty the system folder {path}, so it was not done.",
            mend="The folder exists already: remove the operation.",
        )
    if guest_files.kind(attempt, path) not in {"", "folder"}:
        raise ActionError(f"{path} exists and is not a folder.")
    parent = posixpath.dirname(path)
    attempt.shell(_CREATE, path, parent, mode, failing=f"Could not make the folder {path}")
    guest_files.own(attempt, path, inputs.optional("owner"), inputs.optional("group"))
    return {}
