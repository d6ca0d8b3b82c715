"""The actions of a step: what each takes and the value it becomes."""

from __future__ import annotations

import re
from typing import Any

from durable_dsl.document import Call, Json, Log, Set
from durable_dsl.places import Broken, Path
from durable_dsl.reading.collector import Collector, describe
from durable_dsl.reading.fields import Field
from durable_dsl.reading.forms import Form, later
from durable_dsl.reading.shapes import FUNCTION, JSON, MAPPING, Shape

# A step whose action could not be read becomes a call that may change any data, so that later checks do not report
# reads of values which that action would have given.
UNREADABLE = Call(function="builtins.dict")


def _arguments(collector: Collector, value: Json, path: Path) -> dict[str, Json] | Broken:
    read: dict[str, Json] | Broken = MAPPING.read(collector, value, path)
    if isinstance(read, Broken):
        return read
    for name in read:
        if not name.isidentifier():
            message = f"{name!r} cannot be the name of an argument"
            collector.report(
                "W022", message, (*path, name), at_key=True, hint="letters, digits and '_', no digit first"
            )
    return read


def _assignments(collector: Collector, value: Json, path: Path) -> dict[str, Json] | Broken:
    read: dict[str, Json] | Broken = MAPPING.read(collector, value, path)
    if isinstance(read, Broken):
        return read
    if not read:
        return collector.report("W034", "'set' is empty, so it has no effect", path)
    for key in read:
        dotted = re.match(r"(data|input)\.(\w+)", key)
        if dotted is not None:
            hint = f"write '{dotted[2]}'; a nested value is replaced together with the key that holds it"
            message = f"'set' takes keys of the data, not paths such as {key!r}"
            collector.report("W022", message, (*path, key), at_key=True, hint=hint)
        elif not key:
            collector.report("W022", "'set' takes keys of the data, and this one is empty", (*path, key), at_key=True)
    return read


def _message(collector: Collector, value: Json, path: Path) -> Json:
    if value is None:
        return collector.wrong_type(path, f"a message, such as {describe('paid ${ data.total }')}", value)
    return JSON.read(collector, value, path)


def _call(values: dict[str, Any]) -> dict[str, Any]:
    if "call" not in values:
        values.pop("with_", None)
        return values | {"action": UNREADABLE}
    return values | {"action": Call(function=values.pop("call"), with_=values.pop("with_", None))}


def _set(values: dict[str, Any]) -> dict[str, Any]:
    action = Set(values=values.pop("set")) if "set" in values else UNREADABLE
    return values | {"action": action}


def _log(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"action": Log(message=values.pop("log", None))}


ACTIONS = {
    "call": Form(
        {
            "call": Field(FUNCTION, "Runs a Python function, importable as package.module.function."),
            "with": Field(
                Shape(_arguments, MAPPING.schema),
                "Keyword arguments; without it the function gets the whole data.",
                "with_",
            ),
        },
        build=_call,
    ),
    "set": Form(
        {
            "set": Field(
                Shape(_assignments, {"type": "object", "minProperties": 1}), "Puts values into the data, by key."
            )
        },
        build=_set,
    ),
    "log": Form(
        {"log": Field(Shape(_message, {"not": {"type": "null"}}), "Writes a message to the execution's log.")},
        build=_log,
    ),
    "http": later(),
    "sql": later(),
    "shell": later(),
    "workflow": later("with", "key", "queue", "attached"),
    "start": later("with", "key", "queue", "attached"),
    "emit": later("to", "key", "with"),
    "use": later("with"),
}
