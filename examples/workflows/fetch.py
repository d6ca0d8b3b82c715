"""The functions that `fetch.yaml` calls: HTTP requests, each of which may be sent again."""

from __future__ import annotations

from typing import Any, TypedDict

import httpx

from durable_runtime import StepContext
from examples.workflows.ledger import record


class Station(TypedDict):
    """What one station measured."""

    station: str
    readings: list[dict[str, Any]]


class Unavailable(Exception):
    """No answer, or one that says that there may be one later."""


class Refused(Exception):
    """An answer that will be the same next time."""


async def get_station(service: str, name: str, ctx: StepContext) -> Station:
    """Fetches the readings of a station."""
    record(ctx)
    found: Station = await _ask("GET", f"{service}/stations/{name}")
    return found


def join_hours(readings: dict[str, Station], ctx: StepContext) -> list[dict[str, Any]]:
    """Puts the stations side by side, hour by hour; only hours in which all of them measured."""
    record(ctx)
    columns = {
        name: {reading["at"]: reading["celsius"] for reading in station["readings"]}
        for name, station in readings.items()
    }
    common = set.intersection(*(set(column) for column in columns.values()))
    return [{"at": at, **{name: column[at] for name, column in columns.items()}} for at in sorted(common)]


async def order_report(service: str, hours: list[dict[str, Any]], ctx: StepContext) -> dict[str, str]:
    """Orders a report and gives the job that makes it; ordered again under the same key, it is the same job."""
    record(ctx)
    job: dict[str, str] = await _ask(
        "POST", f"{service}/jobs", json=hours, headers={"Idempotency-Key": ctx.idempotency_key}
    )
    return job


async def get_job(service: str, id: str, ctx: StepContext) -> dict[str, str]:
    """Asks how far a job is."""
    record(ctx)
    job: dict[str, str] = await _ask("GET", f"{service}/jobs/{id}")
    return job


async def get_report(service: str, id: str, ctx: StepContext) -> dict[str, Any]:
    """Fetches the report of a job that is done."""
    record(ctx)
    report: dict[str, Any] = await _ask("GET", f"{service}/jobs/{id}/report")
    return report


async def _ask(method: str, url: str, **request: Any) -> Any:
    try:
        # The proxy of the environment is for the outside world; the service stands on this machine.
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.request(method, url, **request)
    except httpx.TransportError as error:
        raise Unavailable(f"{method} {url}: {type(error).__name__} {error}") from error
    if answer.status_code in (429, 503):
        raise Unavailable(f"{method} {url}: {answer.status_code}")
    if answer.is_error:
        raise Refused(f"{method} {url}: {answer.status_code} {answer.text[:200]}")
    return answer.json()
