"""Policies run once a day, and executions that nobody runs are taken up: what a server does by itself."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from goldsmith.catalog.resources import Query
from goldsmith.pipelines.lifecycle.image_changes import deprecate_due
from goldsmith.pipelines.lifecycle.planning import plan_policy
from goldsmith.pipelines.lifecycle.records import EXECUTION, UNFINISHED, add_execution, add_plans, forget_old
from goldsmith.pipelines.lifecycle.running import run_execution
from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.lifecycle.image_changes import Emit
    from goldsmith.pipelines.world import World

DAY = 24 * 3600.0
EVALUATED = "evaluated"
AT_ONCE = 100
"""Images that are planned for in one transaction, as nobody else writes meanwhile."""

LOST = 60.0
"""Seconds after which an execution that makes no progress is taken up: its server was killed."""

log = logging.getLogger(__name__)


class Lifecycles:
    """Looks after policies and executions. ``submit`` runs a job beside others; without it `tick` waits for each."""

    def __init__(
        self, world: World, emit: Emit, submit: Callable[[Callable[[], None]], None] = lambda job: job()
    ) -> None:
        self.world = world
        self._emit = emit
        self._submit = submit
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def tick(self) -> None:
        """Run the policies whose day is over, take up lost executions, deprecate images whose moment has come."""
        now = self.world.clock()
        for policy in self.world.every("lifecycle-policy", ("ENABLED",)):
            if is_due(policy, now):
                self._alone(policy.id, partial(self._run_policy, policy))
        for execution in self.world.every(EXECUTION, UNFINISHED):
            if now - execution.inner["beat"] >= LOST:
                self._alone(execution.id, partial(self._run, execution))
        deprecate_due(self.world, self._emit)

    def _run_policy(self, policy: Resource) -> None:
        execution = begin_policy(self.world, policy)
        if execution is not None:
            self._run(execution)

    def _run(self, execution: Resource) -> None:
        run_execution(self.world, execution.account, execution.region, execution.id, self._emit)

    def _alone(self, identifier: str, job: Callable[[], None]) -> None:
        """Run a job beside others, unless the last one of that name still runs."""
        with self._lock:
            if identifier in self._running:
                return
            self._running.add(identifier)
        self._submit(partial(self._run_and_release, identifier, job))

    def _run_and_release(self, identifier: str, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            log.exception("The lifecycle job %s failed", identifier)
        finally:
            with self._lock:
                self._running.discard(identifier)


def is_due(policy: Resource, now: float) -> bool:
    """Tell whether a policy has never run, or last did so a day ago."""
    return now - float(policy.inner.get(EVALUATED, 0.0)) >= DAY


def begin_policy(world: World, policy: Resource) -> Resource | None:
    """Write down the execution of a policy that is due; None when it is not, or the last one is not over.

    What a kill keeps from being written down is for the next day.
    """
    now, where = world.clock(), (policy.account, policy.region)
    with world.catalog(*where, writes=False) as catalog:
        if _runs(catalog, policy):
            return None
        plans = plan_policy(catalog, policy, now)
    with world.catalog(*where) as catalog:
        current = catalog.own(policy.kind, policy.id)
        if current is None or current.state != "ENABLED" or not is_due(current, now) or _runs(catalog, policy):
            return None
        catalog.save(current.having(dateLastRun=iso(now)).knowing(**{EVALUATED: now}))
        forget_old(catalog, policy.id, now)
        execution = add_execution(catalog, policy.id, now, policy=policy.id)
        add_plans(catalog, execution, plans[:AT_ONCE], now)
    for start in range(AT_ONCE, len(plans), AT_ONCE):
        with world.catalog(*where) as catalog:
            add_plans(catalog, execution, plans[start : start + AT_ONCE], world.clock())
    return execution


def _runs(catalog: Catalog, policy: Resource) -> bool:
    query = Query(EXECUTION, names=(policy.id,), states=UNFINISHED, owners=(policy.account,))
    return next(catalog.find(query), None) is not None
