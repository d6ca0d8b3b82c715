"""A small HTTP service for `fetch.yaml`, on this machine only: `python -m examples.workflows.weather_service`.

`GET /stations/NAME` gives the readings of a station; the summit's first answer is 503. `POST /jobs` takes hours and
makes a report of them, once for each Idempotency-Key; `GET /jobs/ID` says `running` twice, then `done`, and
`GET /jobs/ID/report` is the report.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

STATIONS = Path(__file__).resolve().parent / "stations"
PORT = 8471
LOOKS_UNTIL_DONE = 3


class WeatherService(ThreadingHTTPServer):
    """Answers on the loopback interface; `port` 0 takes a free one, which `url` tells."""

    daemon_threads = True

    def __init__(self, port: int = PORT) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: Counter[str] = Counter()
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self._lock = Lock()

    def answer(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        """Gives status and body of the answer to one request."""
        with self._lock:
            self.requests[f"{method} {path}"] += 1
            match method, path.strip("/").split("/"):
                case "GET", ["stations", name] if (STATIONS / f"{name}.json").is_file():
                    if name == "summit" and self.requests[f"GET {path}"] == 1:
                        return 503, {"error": "the summit is in a cloud, try again"}
                    return 200, json.loads((STATIONS / f"{name}.json").read_text(encoding="utf-8"))
                case "POST", ["jobs"] if key is not None:
                    id = uuid.uuid5(uuid.NAMESPACE_OID, key).hex
                    self.jobs.setdefault(id, body)
                    return 202, {"id": id, "status": "running"}
                case "GET", ["jobs", id] if id in self.jobs:
                    is_done = self.requests[f"GET {path}"] >= LOOKS_UNTIL_DONE
                    return 200, {"id": id, "status": "done" if is_done else "running"}
                case "GET", ["jobs", id, "report"] if id in self.jobs:
                    return 200, make_report(self.jobs[id])
        return 404, {"error": f"there is nothing at {path}"}


def make_report(hours: list[dict[str, Any]]) -> dict[str, Any]:
    """Gives the warmest hour and the mean of each station, in degrees Celsius rounded to a tenth."""
    names = [name for name in hours[0] if name != "at"]
    return {
        name: {
            "mean": round(sum(hour[name] for hour in hours) / len(hours), 1),
            "warmest_at": max(hours, key=lambda hour: float(hour[name]))["at"],
        }
        for name in names
    }


class _Handler(BaseHTTPRequestHandler):
    server: WeatherService

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

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


def main() -> None:
    """Serves until Ctrl-C."""
    with WeatherService(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) as service:
        print(f"the weather service listens on {service.url}", flush=True)
        try:
            service.serve_forever()
        except KeyboardInterrupt:
            print("closed")


if __name__ == "__main__":
    main()
