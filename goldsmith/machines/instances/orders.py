"""Orders to an instance's keeper: lines of JSON over a Unix socket in the instance's folder."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.spec import InstanceError, NotRunningError
from goldsmith.machines.unix_server import UnixServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Order = Callable[..., dict[str, Any]]

SOCKET = "orders"
LONGEST_ORDER = 1 << 20
PATIENCE = 120.0
"""Seconds that an order may take; long ones (a stop) only begin something."""


class OrderServer(UnixServer):
    """Carries out orders by name, each in a thread of its own, while the with block lasts."""

    def __init__(self, path: Path, orders: Mapping[str, Order]) -> None:
        self._orders = orders
        super().__init__(path, self._carry_out, "orders")

    def _carry_out(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as source:
            line = source.readline(LONGEST_ORDER)
        if not line:
            return
        arguments = json.loads(line)
        order = arguments.pop("order")
        try:
            answer = self._orders[order](**arguments)
        except GoldsmithError as failed:
            answer = {"error": failed.message, "mend": failed.mend}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def give_order(folder: Path, order: str, *, limit: float = 0.0, **arguments: Any) -> dict[str, Any]:
    """Give the keeper of the instance in ``folder`` an order and return what it answers.

    ``limit`` is how many seconds longer than others the order may take.
    Raises NotRunningError when there is no keeper, InstanceError with its words when it could not do it.
    """
    try:
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError as gone:
        raise NotRunningError(f"There is no instance {folder.name} any more.") from gone
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE + limit)
            line.connect(f"/proc/self/fd/{place}/{SOCKET}")
            line.sendall(json.dumps({"order": order, **arguments}).encode() + b"\n")
            heard = line.makefile("rb").readline()
    except (FileNotFoundError, ConnectionRefusedError) as nobody:
        raise NotRunningError(f"The instance {folder.name} is not running.", mend="Start it.") from nobody
    except TimeoutError as silent:
        raise InstanceError(f"The keeper of {folder.name} did not answer within {PATIENCE + limit:.0f} s.") from silent
    except (BrokenPipeError, ConnectionResetError):
        heard = b""
    finally:
        os.close(place)
    if not heard:
        raise NotRunningError(f"The instance {folder.name} ended.", mend="Start it.")
    answer: dict[str, Any] = json.loads(heard)
    if "error" in answer:
        raise InstanceError(answer["error"], mend=answer["mend"])
    return answer
