"""A machine that is to be cleaned writes no more of what cleaning removes, though it runs on and will shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldsmith.guests.guest import Guest

UNAVOIDED = frozenset({"logs", "journal"})
"""Cleanup rules whose files a service may fill once more when it is stopped: their being there is no finding."""

_UNITS = """
systemctl mask --runtime systemd-random-seed.service systemd-update-utmp.service
systemctl stop syslog.socket rsyslog.service syslog-ng.service
mkdir -p /run/systemd/journald.conf.d
printf '[Journal]\\nStorage=volatile\\n' > /run/systemd/journald.conf.d/zz-goldsmith.conf
systemctl restart systemd-journald.service
"""

_LOGINS = """
for record in /var/log/wtmp /var/log/btmp /var/log/lastlog; do
    if [ -f "$record" ]; then : > "$record"; mount --bind /dev/null "$record"; fi
done
"""
"""The session that cleans ends with a logout, which sshd records when nobody can run a command any more."""


def quieten(guest: Guest, *, skip: frozenset[str]) -> None:
    """Keep logs in memory, and records of logins nowhere, until the machine starts again.

    ``skip`` are the cleanup rules that will not run: without that of logs, the records of logins stay.
    """
    guest.run(["sh", "-c", _UNITS if "logs" in skip else _UNITS + _LOGINS])
