"""Clean a guest: choose the rules, run them in one command, report what each did."""

from __future__ import annotations

import time
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.trees.cleanup.records import Outcome, Records
from goldsmith.trees.cleanup.rule import Rule, all_rules
from goldsmith.trees.cleanup.script import compose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.guests.guest import Guest


@dataclass(frozen=True)
class CleanupReport:
    """What a cleanup did, a rule at a time and in the order of their names' table; ``seconds`` is wall time.

    ``performed`` is false when Image Builder's guard file was missing, so that nothing was to be cleaned.
    """

    outcomes: tuple[Outcome, ...]
    seconds: float
    performed: bool = True

    @property
    def skipped(self) -> frozenset[str]:
        """The names of the rules that did not run; the scan takes them as its ``skip``."""
        return frozenset(outcome.rule for outcome in self.outcomes if outcome.skipped)

    @property
    def removed(self) -> int:
        """How many paths are gone."""
        return sum(len(outcome.removed) for outcome in self.outcomes)


class CleanupError(GoldsmithError):
    """Something that had to go is still there, or the cleanup script did not reach its end."""

    def __init__(self, message: str, *, mend: str, report: CleanupReport | None = None) -> None:
        super().__init__(message, mend=mend)
        self.report = report


def clean(
    guest: Guest,
    *,
    working_directory: str = "/tmp",  # noqa: S108 - Image Builder's own default, inside the guest
    skip: frozenset[str] = frozenset(),
    enable: frozenset[str] = frozenset(),
    claimed: frozenset[str] = frozenset(),
    baseline_users: frozenset[str] | None = None,
    keep_users: frozenset[str] = frozenset(),
    create_guard: bool = True,
) -> CleanupReport:
    """Run the cleanup rules in ``guest``.

    ``skip`` holds names of rules or of Image Builder's skip files (the files themselves, in ``working_directory``,
    work too); ``enable`` names rules that are off by default. ``claimed`` are absolute paths of configuration that
    is the recipe's own. ``baseline_users`` are the accounts of the parent image, where accounts made
    since are to go, unless in ``keep_users``. ``create_guard`` makes Image Builder's guard file first; pass False where
    the build made it at its start, so that a component which removed it is obeyed.

    Raises CleanupError when something could not be removed.
    """
    _check_names(skip, {rule.name for rule in all_rules()} | {rule.flag for rule in all_rules()} - {""})
    _check_names(enable, {rule.name for rule in all_rules()})
    if not working_directory.startswith("/"):
        raise CleanupError(
            f"The working directory {working_directory!r} is not an absolute path.",
            mend="Give workingDirectory as a path that starts with /.",
        )
    why = {rule.name: _why_not(rule, skip, enable) for rule in all_rules()}
    chosen = [rule for rule in all_rules() if not why[rule.name]]
    arguments = [
        "/" + working_directory.strip("/"),
        "\n".join(sorted(claimed)),
        # A baseline of nobody is still a baseline: root is always in it.
        "" if baseline_users is None else " ".join(sorted({"root", *baseline_users})),
        " ".join(sorted(keep_users)),
        "yes" if create_guard else "no",
    ]
    records = Records()
    begun = time.monotonic()
    done = guest.run(["sh", "-c", compose(chosen), "cleanup", *arguments], on_output=records.take)
    seconds = time.monotonic() - begun
    if done.exit_code or not records.complete:
        raise CleanupError(
            f"The cleanup stopped with exit code {done.exit_code} before its end: "
            f"{done.stderr.decode(errors='replace').strip()[-2000:]}",
            mend="The image needs sh, coreutils, findutils, grep and sed to be cleaned.",
        )
    report = _report(records, why, seconds)
    failed = [(outcome.rule, path) for outcome in report.outcomes for path in outcome.failed]
    failed += [("guard", path) for path in records.failed_outside]
    if failed:
        raise CleanupError(
            "\n".join(f"Failed to delete {path} (cleanup rule {rule})" for rule, path in failed)
            + f"\n{done.stderr.decode(errors='replace').strip()[-2000:]}",
            mend="Have a component unlock or remove what is named, or skip the rule.",
            report=report,
        )
    return report


def _why_not(rule: Rule, skip: frozenset[str], enable: frozenset[str]) -> str:
    if rule.name in skip:
        return "skipped by name"
    if rule.flag and rule.flag in skip:
        return f"skipped by {rule.flag}"
    if not rule.default and rule.name not in enable:
        return "off unless enabled"
    return ""


def _check_names(names: Iterable[str], known: set[str]) -> None:
    for name in sorted(names):
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            raise CleanupError(
                f"There is no cleanup rule or skip flag {name}.",
                mend=f"Did you mean {near[0]}?" if near else "docs/cleanup.md lists them all.",
            )


def _report(records: Records, why: dict[str, str], seconds: float) -> CleanupReport:
    ran = {outcome.rule: outcome for outcome in records.outcomes}
    unguarded = f"the guard file {records.missing_guard} does not exist" if records.missing_guard else ""
    outcomes = tuple(
        ran.get(rule.name) or Outcome(rule.name, skipped=why[rule.name] or unguarded) for rule in all_rules()
    )
    return CleanupReport(outcomes, seconds, performed=not unguarded)
