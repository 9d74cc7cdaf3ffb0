"""`goldsmith events`: what happened to images and pipelines, and what happens now."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from goldsmith.cli.output import print_json_line
from goldsmith.pipelines.events.event import IMAGE_STATE_CHANGE, PIPELINE_DISABLED, STEP_WAITING
from goldsmith.pipelines.events.log import EventLog, Position
from goldsmith.pipelines.events.patterns import wants
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.pipelines.events.log import Logged


def show_events(*, follow: bool, lines: int, since: str, kind: str, resource: str, as_json: bool) -> None:
    """Print the last ``lines`` events, or all from the day ``since`` on, and with ``follow`` what comes."""
    log = EventLog(Home.default(), time.time)
    wanted = _Wanted(kind, resource)
    reached = Position.parse(since) if since else None
    kept: deque[dict[str, Any]] = deque(maxlen=None if since else lines)
    for logged in log.read(reached):
        reached = logged.after
        if wanted(logged.event):
            kept.append(logged.event)
    _show(kept, as_json=as_json)
    if follow:
        _show(_coming(log.follow(reached, threading.Event()), wanted), as_json=as_json)


def line(event: dict[str, Any]) -> str:
    """Return an event as one line for people: when, what of it, how."""
    kind = str(event.get("detail-type", ""))
    about = ", ".join(str(each).split(":", 5)[-1] for each in event.get("resources", ()))
    said = _said(kind, event.get("detail") or {})
    text = f"{event.get('time', '')}  {about}  {said}"
    return "".join(character if character.isprintable() else "?" for character in text)


class _Wanted:
    def __init__(self, kind: str, resource: str) -> None:
        self._kind = kind
        self._resource = resource

    def __call__(self, event: dict[str, Any]) -> bool:
        resources = event.get("resources") or [""]
        return wants(self._kind, event) and any(str(each).startswith(self._resource) for each in resources)


def _coming(found: Iterable[Logged], wanted: _Wanted) -> Iterable[dict[str, Any]]:
    return (logged.event for logged in found if wanted(logged.event))


def _show(found: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    for event in found:
        if as_json:
            print_json_line(event)
        else:
            print(line(event), flush=True)


def _said(kind: str, detail: dict[str, Any]) -> str:
    if kind == IMAGE_STATE_CHANGE:
        before, now = (str((detail.get(each) or {}).get("status", "")) for each in ("previous-state", "state"))
        return f"{before} → {now}" if before else now
    if kind == STEP_WAITING:
        return f"waits for an answer in the step {detail.get('workflow-step-name')}"
    if kind == PIPELINE_DISABLED:
        return f"disabled after {detail.get('consecutive-failures')} failures in a row"
    return kind.removeprefix("EC2 Image Builder ").removeprefix("Goldsmith ")
