"""Telling events: what a build says is logged at once, and brought to webhooks when their time is there."""

from __future__ import annotations

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import urllib3

from goldsmith.pipelines.events.event import Event
from goldsmith.pipelines.events.log import EventLog
from goldsmith.pipelines.events.outbox import Outbox
from goldsmith.pipelines.events.posting import post

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from goldsmith.pipelines.events.webhook import Webhook
    from goldsmith.pipelines.home import Home

MOST_AT_ONCE = 8
"""Webhooks that are delivered to beside each other."""

log = logging.getLogger(__name__)


class Events:
    """A home's events. ``clock`` gives seconds since the epoch.

    Whoever only tells events needs no webhooks: those read the log.
    """

    def __init__(self, home: Home, webhooks: Sequence[Webhook], clock: Callable[[], float]) -> None:
        self.log = EventLog(home, clock)
        self._folder = home.path / "events" / "webhooks"
        self._clock = clock
        self._outboxes = [Outbox(self._folder / hook.id, hook, self.log, clock) for hook in webhooks]
        for outbox in self._outboxes:
            outbox.prepare()
        self._pool = urllib3.PoolManager(num_pools=MOST_AT_ONCE, cert_reqs="CERT_REQUIRED")

    def emit(
        self,
        detail_type: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        *,
        account: str,
        region: str,
        moment: float | None = None,
    ) -> None:
        """Tell an event; whatever goes wrong is logged and never raised.

        Give ``moment``, when the change was recorded, so that a change told again after a kill is the same event.
        """
        try:
            at = self._clock() if moment is None else moment
            self.log.append(Event.of(detail_type, resources, detail, account=account, region=region, moment=at))
        except Exception:
            log.exception("The event '%s' of %s could not be told", detail_type, ", ".join(resources))

    def deliver_due(self) -> int:
        """Bring the webhooks what is due; return how many deliveries were taken. What is of no webhook now goes."""
        wanted = {outbox.folder for outbox in self._outboxes}
        for folder in self._folder.glob("*"):
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
        if not self._outboxes:
            return 0
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="webhook") as pool:
            return sum(pool.map(self._deliver, self._outboxes))

    def _deliver(self, outbox: Outbox) -> int:
        def send(event: dict[str, Any], attempt: int) -> None:
            post(self._pool, outbox.hook, event, attempt=attempt, now=self._clock())

        try:
            return outbox.deliver(send)
        except Exception:
            log.exception("The webhook at %s could not be served", outbox.hook.host)
            return 0
