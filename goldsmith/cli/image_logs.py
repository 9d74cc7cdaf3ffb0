"""An image's log at the command line: what is there, what comes, and why it failed."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from goldsmith.cli.pipeline_naming import FINAL, SERVICE, short
from goldsmith.pipelines.image_run import image_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from goldsmith.cli.here import Here

LOG = "service.log"
ARN = re.compile(r"arn:aws:imagebuilder:[a-z0-9-]*:(?:[0-9]{12}|aws):")
"""What stands before the telling part of an ARN."""

TIME = slice(11, 19)
"""Where the time of day stands in a line's moment, 2026-11-23T10:00:00.123Z."""

MOMENT_LENGTH = 24
PAUSE = 0.3
LONGEST_LINE = 4000


class LogReader:
    """Reads the lines of a log that may not be there yet, and those that come later."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._position = 0
        self._rest = b""

    def skip(self) -> None:
        """Leave out what is there already, as of an earlier try."""
        self._position = self.file.stat().st_size if self.file.exists() else 0

    def lines(self) -> Iterator[str]:
        """Yield the whole lines that have come since the last time."""
        try:
            with self.file.open("rb") as log:
                log.seek(self._position)
                read = log.read()
        except FileNotFoundError:
            return
        self._position += len(read)
        *whole, self._rest = (self._rest + read).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")


def log_of(here: Here, arn: str) -> LogReader:
    """Return the log of an image's build."""
    return LogReader(image_folder(here.cloud.home, arn) / LOG)


def readable(line: str, *, dates: bool) -> str:
    """Return a line for a terminal: nothing in it moves the cursor, and the time is enough of its moment."""
    moment, text = line[:MOMENT_LENGTH], line[MOMENT_LENGTH:].strip()
    shown = "".join(each if each.isprintable() or each == "\t" else "�" for each in text[:LONGEST_LINE])
    return f"{moment} {shown}" if dates else f"{moment[TIME]} {ARN.sub('', shown)}"


def follow(here: Here, arn: str, log: LogReader, out: TextIO, *, tend: Callable[[], None]) -> dict[str, Any]:
    """Write an image's log until its build is over, calling ``tend`` again and again; return the image."""
    while True:
        image: dict[str, Any] = here.call(SERVICE, "GetImage", imageBuildVersionArn=arn)["image"]
        for line in log.lines():
            print(readable(line, dates=False), file=out, flush=True)
        if image["state"]["status"] in FINAL:
            return image
        tend()
        here.pause(PAUSE)


def show_log(here: Here, arn: str, *, following: bool, tend: Callable[[], None]) -> None:
    """Print an image's log; ``following``: until its build is over, then why it failed."""
    if following:
        tell_failure(here, follow(here, arn, log_of(here, arn), sys.stdout, tend=tend))
        return
    for line in log_of(here, arn).lines():
        print(readable(line, dates=True))


def tell_failure(here: Here, image: dict[str, Any]) -> None:
    """Print why an image failed, nothing for one that did not (failureContext, 3.1)."""
    lines = failure_lines(here, image)
    if lines:
        print("\n".join(lines), file=sys.stderr)


def failure_lines(here: Here, image: dict[str, Any]) -> list[str]:
    """Return what is known of an image's failure: the workflow's step, the component's, the message and stderr."""
    state = image["state"]
    if state["status"] not in {"FAILED", "CANCELLED"}:
        return []
    context = state.get("failureContext") or {}
    component = context.get("componentFailure") or {}
    distribution = context.get("distributionFailure") or {}
    facts = {
        "while": context.get("imageStatus"),
        "workflow": short(context["workflowArn"]) if context.get("workflowArn") else None,
        "step": context.get("failedStep"),
        "component": short(component["componentArn"]) if component.get("componentArn") else None,
        "phase": component.get("phaseName"),
        "its step": component.get("stepName"),
        "action": component.get("action"),
        "message": component.get("errorMessage") or distribution.get("errorMessage") or state.get("reason"),
    }
    lines = [f"{short(image['arn'])} is {state['status']}."]
    lines += [f"  {name}: {value}" for name, value in facts.items() if value]
    lines += [
        f"  {each['region']}: {each.get('imageConfigurationStep', '')} {each.get('errorMessage', '')}".rstrip()
        for each in distribution.get("regionFailures") or []
    ]
    return [*lines, *_told_by_step(here, context, str(facts["message"] or ""))]


def _told_by_step(here: Here, context: dict[str, Any], known: str) -> list[str]:
    """Return the failed step's own message, which has the end of stderr, unless that is all known."""
    if not context.get("stepExecutionId"):
        return []
    step = here.call(SERVICE, "GetWorkflowStepExecution", stepExecutionId=context["stepExecutionId"])
    message = str(step.get("message") or "")
    return [f"    {line}" for line in message.splitlines()] if message.strip() not in {"", known.strip()} else []
