"""The one shell script that runs a set of cleanup rules, so that a whole cleanup costs one command in the guest."""

from __future__ import annotations

import shlex
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.trees.cleanup.rule import Rule

GUARD = "perform_cleanup"
"""Image Builder's guard: without this file in the working directory nothing is cleaned."""

_ARGUMENTS = """
working=$1 claims=$2 baseline_users=$3 keep_users=$4 make_guard=$5
exec 3>&1 1>&2
"""

_GUARD = f"""
guard=$working/{GUARD}
if [ "$make_guard" = yes ]; then mkdir -p -- "$working"; printf '' >"$guard"; fi
if ! present "$guard"; then say '?' "$guard"; exit 0; fi
rm -f -- "$guard"
if present "$guard"; then say ! "$guard"; fi
"""

_HOMES = """
set -- /root /etc/skel
for home in /home/* /home/.[!.]*; do
    if [ -d "$home" ]; then set -- "$@" "$home"; fi
done
seen=$newline
while IFS=: read -r _ _ _ _ _ home _; do
    case $home in
        /home/*/*) ;;
        / | /root | /home/* | /bin* | /sbin* | /usr/* | /dev* | /proc* | /sys* | /run* | [!/]* | '') continue ;;
    esac
    case $seen in *"$newline$home$newline"*) continue ;; esac
    seen=$seen$home$newline
    if [ -d "$home" ]; then set -- "$@" "$home"; fi
done </etc/passwd
"""


def compose(rules: Sequence[Rule]) -> str:
    """Return the script that runs ``rules`` in that order.

    Its arguments: working directory, claimed paths (one a line), the baseline's users and the users to keep
    (words), and "yes" to make the guard file. What it writes is explained in prelude.sh.
    """
    prelude = (files(__package__) / "prelude.sh").read_text()
    functions = [f"rule_{number}() {{\n{rule.script.strip()}\n}}" for number, rule in enumerate(rules)]
    calls = [
        f'if begin {shlex.quote(rule.name)} {shlex.quote(rule.flag)}; then rule_{number} "$@"; fi'
        for number, rule in enumerate(rules)
    ]
    return "\n".join([prelude, _ARGUMENTS, _GUARD, _HOMES, *functions, *calls, "say . ''"])
