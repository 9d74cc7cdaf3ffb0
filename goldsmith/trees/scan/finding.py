"""What a scan finds, and the error that ends a build over it."""

from __future__ import annotations

from dataclasses import dataclass

from goldsmith.errors import GoldsmithError

SHOWN = 50


@dataclass(frozen=True, order=True)
class Finding:
    """Something left in the tree. ``rule`` is the scan's; ``cleanup`` names the cleanup rule that removes it, or is "".

    ``line`` counts from 1, 0 where the file's being there is the finding. ``excerpt`` never holds the secret.
    """

    path: str
    rule: str
    line: int = 0
    excerpt: str = ""
    cleanup: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.rule}" + (f" ({self.excerpt})" if self.excerpt else "")

    @property
    def mend(self) -> str:
        """What to do about it."""
        if self.cleanup:
            return f"The cleanup rule {self.cleanup} removes it; to keep it, skip that rule."
        return "Remove it in the component that wrote it, or allow its path if it is meant to be public."


@dataclass(frozen=True)
class ScanReport:
    """What was found, ordered by path, and how much was looked at; ``seconds`` is wall time."""

    findings: tuple[Finding, ...]
    files: int
    bytes_read: int
    seconds: float


class LeftoversError(GoldsmithError):
    """The sealed tree still holds what no image may carry."""

    def __init__(self, report: ScanReport) -> None:
        self.report = report
        shown = report.findings[:SHOWN]
        more = len(report.findings) - len(shown)
        lines = [f"The scan of the sealed tree found {len(report.findings)} left-overs:"]
        lines += [f"  {finding}" for finding in shown]
        lines += [f"  … and {more} more"] if more else []
        mends = sorted({finding.mend for finding in shown})
        super().__init__("\n".join(lines), mend="\n  ".join(mends))
