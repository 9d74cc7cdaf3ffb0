"""This host as a guest: for `goldsmith component run --host`, on a machine one is willing to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.guests.guest import Guest, GuestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostGuest(Guest):
    """Runs commands on the host itself, as the user who started Goldsmith."""

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Clear the environment, change the folder, run."""
        variables = {"PATH": SEARCH_PATH, "HOME": "/root", "LANG": "C.UTF-8", **env}
        return ["/usr/bin/env", "-i", "-C", cwd, *(f"{name}={value}" for name, value in variables.items()), *argv]

    def reboot(self) -> None:
        """Refuse: a host that reboots ends this run, and nothing would go on after it."""
        raise GuestError(
            "The component asks for a reboot, which would end Goldsmith itself on this host.",
            mend="Run it in a sandbox with --parent debian/12, or reboot by hand and run the remaining phases.",
        )
