"""Work in a guest that ends at once when its step is asked to, or has no time left."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.pipelines.stop import Stop


@contextmanager
def ended_by(stop: Stop, kill: Callable[[], None]) -> Iterator[None]:
    """Call ``kill`` when the work of the block is to end: it fails then, and that is told as what ended it.

    Raises StoppedError or StepTimeoutError in place of whatever the work raised.
    """
    left = stop.remaining()
    with ExitStack() as stack:
        if left is not None:
            timer = threading.Timer(left, kill)
            timer.daemon = True
            timer.start()
            stack.callback(timer.cancel)
        stack.enter_context(stop.on_stop(kill))
        try:
            yield
        finally:
            stop.check()
