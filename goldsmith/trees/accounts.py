"""The accounts of a tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.guests.guest import GuestError

if TYPE_CHECKING:
    from goldsmith.guests.guest import Guest

DAY = 86400

_SETTLE = """
set -eu
for file in /etc/shadow /etc/shadow-; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    awk -F: -v OFS=: -v day="$1" '$3 != "" && $3 > day { $3 = day } { print }' "$file" >/run/shadow
    cmp -s /run/shadow "$file" || cat /run/shadow >"$file"
    rm /run/shadow
done
"""


def read_accounts() -> frozenset[str]:
    """Return the names in /etc/passwd of the tree that the caller has changed its root to."""
    file = Path("/etc/passwd")
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    return frozenset(line.partition(":")[0] for line in lines if ":" in line)


def settle_shadow(guest: Guest, *, epoch: int) -> None:
    """Set passwords' days of change that are later than ``epoch`` to it (shadow(5), third field): builds are alike."""
    done = guest.run(["sh", "-c", _SETTLE, "sh", str(epoch // DAY)])
    if done.exit_code:
        raise GuestError(f"/etc/shadow could not be settled: {done.stderr.decode(errors='replace').strip()}")
