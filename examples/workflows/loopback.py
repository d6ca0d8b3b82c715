"""What the services of the examples share: JSON over HTTP on this machine only, and a count of every request."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any


class LoopbackService(ThreadingHTTPServer):
    """Answers on the loopback interface; `port` 0 takes a free one, which `url` tells."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: Counter[str] = Counter()
        self._lock = Lock()

    def answer(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        """Counts one request and gives status and body of its answer. One at a time."""
        with self._lock:
            self.requests[f"{method} {path}"] += 1
            return self.respond(method, path, key, body)

    @abstractmethod
    def respond(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        """Gives status and body of the answer to a request, already counted; `key` is its Idempotency-Key."""


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackService

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, found = self.server.answer(method, self.path, self.headers.get("Idempotency-Key"), body)
        encoded = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: who wants to know counts `requests`."""


def serve(kind: type[LoopbackService], port: int, name: str) -> None:
    """Serves until Ctrl-C, at the port of the command line if there is one."""
    with kind(int(sys.argv[1]) if len(sys.argv) > 1 else port) as service:
        print(f"the {name} listens on {service.url}", flush=True)
        try:
            service.serve_forever()
        except KeyboardInterrupt:
            print("closed")
