"""A small HTTP service for `fetch.yaml`, on this machine only: `python -m examples.workflows.weather_service`.

`GET /stations/NAME` gives the readings of a station; the summit's first answer is 503. `POST /jobs` takes hours and
makes a report of them, once for each Idempotency-Key; `GET /jobs/ID` says `running` twice, then `done`, and
`GET /jobs/ID/report` is the report.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from examples.workflows.loopback import LoopbackService, serve

STATIONS = Path(__file__).resolve().parent / "stations"
PORT = 8471
LOOKS_UNTIL_DONE = 3


class WeatherService(LoopbackService):
    """Knows the stations and makes reports."""

    def __init__(self, port: int = PORT) -> None:
        super().__init__(port)
        self.jobs: dict[str, list[dict[str, Any]]] = {}

    def respond(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
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


if __name__ == "__main__":
    serve(WeatherService, PORT, "weather service")
