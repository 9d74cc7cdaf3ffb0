"""A server on a Unix socket: a thread that waits for connections, and one for each that came."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

LOG = logging.getLogger(__name__)

WAITING = 64
"""Connections that may wait to be accepted."""


class UnixServer:
    """Calls ``serve`` with each connection to ``path``, in a thread of its own, while the with block lasts.

    Connections may go on after its end; they end with the process. The socket's folder keeps others out: it must
    have mode 0700.
    """

    def __init__(self, path: Path, serve: Callable[[socket.socket], None], name: str) -> None:
        self._serve = serve
        self._name = name
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(WAITING)
        self._thread = threading.Thread(target=self._accept, daemon=True, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True, name=self._name).start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except ConnectionError:
                return
            except Exception:
                LOG.exception("A connection to the %s ended.", self._name)
