"""A proxy that answers each block of an upload so many seconds late, as a distant region does, and counts their bytes.

``python -m bench.late_wire HOST PORT SECONDS`` prints its port, and when its input ends the bytes of blocks it carried.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = {"content-length", "transfer-encoding", "connection"}


class LateWire(ThreadingHTTPServer):
    """The proxy before ``server``, a host and a port."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, server: tuple[str, int], seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_place = server
        self.seconds = seconds
        self.carried = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LateWire

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "PUT":
            time.sleep(self.server.seconds)
            with self.server.lock:
                self.server.carried += len(body)
        theirs = http.client.HTTPConnection(*self.server.server_place)
        theirs.request(self.command, self.path, body, dict(self.headers))
        answer = theirs.getresponse()
        content = answer.read()
        theirs.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _pass  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def main() -> None:
    wire = LateWire((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]))
    threading.Thread(target=wire.serve_forever, daemon=True).start()
    print(wire.server_address[1], flush=True)
    sys.stdin.read()
    print(wire.carried, flush=True)


if __name__ == "__main__":
    main()
