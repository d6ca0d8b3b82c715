"""What stands above the steps about executions as a whole: how many at once, what cancels and what starts them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from durable_dsl.document import CancelOn, Concurrency, Json, Schedule
from durable_dsl.places import Broken, Path
from durable_dsl.reading.collector import Collector
from durable_dsl.reading.fields import Field, read_fields
from durable_dsl.reading.shapes import (
    EVENT_NAME,
    IDENTIFIER,
    MAPPING,
    NAME,
    SWITCH,
    TEXT,
    Shape,
    list_of,
    one_of,
    whole,
)


def _concurrency(collector: Collector, value: Json, path: Path) -> Concurrency | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'key' and 'limit'", value)
    return Concurrency(**read_fields(collector, value, path, CONCURRENCY_FIELDS, "'concurrency'"))


def _cancel_on(collector: Collector, value: Json, path: Path) -> CancelOn | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'event' and 'key'", value)
    return CancelOn(**read_fields(collector, value, path, CANCEL_FIELDS, "a row of 'cancel_on'"))


def _schedule(collector: Collector, value: Json, path: Path) -> Schedule | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'name' and 'cron'", value)
    return Schedule(**read_fields(collector, value, path, SCHEDULE_FIELDS, "a schedule"))


def _schedules(collector: Collector, value: Json, path: Path) -> Any:
    schedules = _SCHEDULE_LIST.read(collector, value, path)
    if isinstance(schedules, Broken):
        return schedules
    names: set[str] = set()
    for index, schedule in enumerate(schedules):
        if schedule.name in names:
            collector.report("W023", f"the name '{schedule.name}' is used twice", (*path, index, "name"))
        names.add(schedule.name)
    return schedules


def _secrets(collector: Collector, value: Json, path: Path) -> tuple[str, ...] | Broken:
    names: tuple[str, ...] | Broken = _SECRET_NAMES.read(collector, value, path)
    if isinstance(names, Broken):
        return names
    for index, name in enumerate(names):
        if name in names[:index]:
            collector.report("W023", f"the name '{name}' is used twice", (*path, index))
    return names


def _cron(collector: Collector, value: Json, path: Path) -> str | Broken:
    text: str | Broken = TEXT.read(collector, value, path)
    if isinstance(text, Broken):
        return text
    from croniter import croniter

    fields = len(text.split())
    if fields in (5, 6) and croniter.is_valid(text, second_at_beginning=fields == 6):
        return text
    hint = "write minute, hour, day, month and weekday, as in 0 2 * * 1-5"
    return collector.report("W039", f"{text!r} is not a cron expression", path, hint=hint)


def _timezone(collector: Collector, value: Json, path: Path) -> str | Broken:
    text: str | Broken = TEXT.read(collector, value, path)
    if isinstance(text, Broken):
        return text
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        hint = "write a name such as Europe/Berlin, or UTC"
        return collector.report("W028", f"there is no time zone {text!r}", path, hint=hint)
    return text


_SECRET_NAMES = list_of(IDENTIFIER, "a list of names of secrets", placeholder="UNKNOWN")
CONCURRENCY_FIELDS = {
    "key": Field(TEXT, "Executions of the same key count together; without it all of the workflow."),
    "limit": Field(whole(1, 2**31 - 1), "How many run at once; default 1."),
    "on_conflict": Field(
        one_of("queue", "reject", "cancel_oldest"), "What becomes of one more: queue (default), reject, cancel_oldest."
    ),
}
CANCEL_FIELDS = {
    "event": Field(EVENT_NAME, "The event that cancels.", required=True, placeholder="unknown"),
    "key": Field(TEXT, "The key that it is sent with.", required=True, placeholder="unknown"),
    "compensate": Field(SWITCH, "Undoes what was completed; default false."),
}
SCHEDULE_FIELDS = {
    "name": Field(NAME, "The name of the schedule.", required=True, placeholder="unknown"),
    "cron": Field(
        Shape(_cron, {"type": "string", "minLength": 1}),
        "When: minute, hour, day, month, weekday.",
        required=True,
        placeholder="0 0 * * *",
    ),
    "timezone": Field(Shape(_timezone, {"type": "string", "minLength": 1}), "The zone of these times; default UTC."),
    "overlap": Field(
        one_of("allow", "skip", "cancel_oldest"), "What happens while the one before still runs; default allow."
    ),
    "catchup": Field(one_of("none", "latest", "all"), "Which missed times are made up for; default latest."),
    "input": Field(MAPPING, "The input of its executions; default {}."),
}
_SCHEDULE_LIST = list_of(
    Shape(_schedule, {"$ref": "#/definitions/schedule"}),
    "a list of mappings with 'name' and 'cron'",
    placeholder=Schedule(name="unknown", cron="0 0 * * *"),
)
CONCURRENCY = Shape(_concurrency, {"$ref": "#/definitions/concurrency"})
CANCEL_ON = list_of(
    Shape(_cancel_on, {"$ref": "#/definitions/cancel_on"}),
    "a list of mappings with 'event' and 'key'",
    placeholder=CancelOn(event="unknown", key="unknown"),
)
SECRETS = Shape(_secrets, _SECRET_NAMES.schema)
SCHEDULES = Shape(_schedules, _SCHEDULE_LIST.schema)
