"""UpdateOS: the distribution's updates, by apt-get or yum (4.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.executor.failures import ActionError
from goldsmith.executor.packages import PackageManager, changes, find_manager

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

_NAME = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9.+:*?_~-]*")


def update_os(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Apply all updates, or those of the packages in ``include``, without those in ``exclude``.

    The output ``packages`` lists what changed, one to a line: name, old version, new version.
    """
    include, exclude = (_names(inputs.texts(key)) for key in ("include", "exclude"))
    manager = find_manager(attempt)
    before = manager.installed()
    manager.refresh()
    chosen = manager.chosen(before, include, exclude)
    if include and not chosen:
        attempt.say("UpdateOS: no installed package is among those to be updated")
        return {"packages": ""}
    _update(manager, chosen, exclude, before)
    changed = changes(before, manager.installed())
    attempt.say(f"UpdateOS: {len(changed)} packages changed", *(f"UpdateOS: {line}" for line in changed))
    return {"packages": "\n".join(changed)}


def _update(manager: PackageManager, chosen: list[str], exclude: list[str], before: dict[str, str]) -> None:
    if chosen:
        manager.update_only(chosen)
    else:
        manager.update_all(before, exclude)


def _names(names: list[str]) -> list[str]:
    for name in names:
        if not _NAME.fullmatch(name):
            raise ActionError(f"UpdateOS: {name!r} is not the name of a package.")
    return names
