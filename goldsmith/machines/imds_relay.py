"""Joins standard input and output to a Unix socket: QEMU runs it for each connection of the guest.

Run as a file with ``python -I -S imds_relay.py SOCKET``; it imports nothing of Goldsmith so that it starts in
about 10 ms.
"""

import os
import select
import socket
import sys
from contextlib import suppress

CHUNK = 1 << 16


def relay(path: str) -> None:
    """Copy both ways until the server has ended; the guest's end is passed on to it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        sources: list[int] = [0, server.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if 0 in ready:
                data = os.read(0, CHUNK)
                if not data:
                    sources.remove(0)
                with suppress(OSError):  # the server may have answered and gone
                    server.sendall(data) if data else server.shutdown(socket.SHUT_WR)
            if server.fileno() in ready:
                data = server.recv(CHUNK)
                if not data:
                    return
                while data:
                    data = data[os.write(1, data) :]


if __name__ == "__main__":
    relay(sys.argv[1])
