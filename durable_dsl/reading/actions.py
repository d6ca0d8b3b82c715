"""The actions of a step: what each takes and the value it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from durable_dsl.document import Action, Call, Child, Emit, Http, Json, Log, Publish, Set, Shell, Sql, Start, Use
from durable_dsl.places import BROKEN, Broken, Path
from durable_dsl.reading.collector import Collector, describe, subject
from durable_dsl.reading.fields import Field, head, read_fields
from durable_dsl.reading.forms import Form
from durable_dsl.reading.shapes import (
    ANY_TEXT,
    EVENT_NAME,
    FUNCTION,
    JSON,
    MAPPING,
    NAME,
    QUEUE,
    SWITCH,
    TEXT,
    Shape,
    list_of,
    one_of,
    whole,
)

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


def _published(collector: Collector, value: Json, path: Path) -> dict[str, Json] | Broken:
    read: dict[str, Json] | Broken = MAPPING.read(collector, value, path)
    if isinstance(read, Broken):
        return read
    if not read:
        return collector.report("W034", "'publish' is empty, so it has no effect", path)
    for key in read:
        if not re.fullmatch(_VALUE, key):
            message = f"{key!r} cannot be the name of a value; write lower-case letters, digits and '_'"
            collector.report("W022", message, (*path, key), at_key=True)
    return read


def _message(collector: Collector, value: Json, path: Path) -> Json:
    if value is None:
        return collector.wrong_type(path, f"a message, such as {describe('paid ${ data.total }')}", value)
    return JSON.read(collector, value, path)


def _url(collector: Collector, value: Json, path: Path) -> str | Broken:
    text: str | Broken = TEXT.read(collector, value, path)
    if isinstance(text, Broken) or re.match(r"https?://[^\s/]|\s*\$\{", text):
        return text
    hint = f"write https://{text.lstrip('/')}" if re.match(r"[\w.-]+\.\w+(/|$)", text.lstrip("/")) else None
    return collector.report("W037", f"{text!r} does not begin with http:// or https://", path, hint=hint)


def _texts_by_name(names: re.Pattern[str], what: str) -> Shape:
    """A mapping of texts whose keys are spelled in one way."""

    def read(collector: Collector, value: Json, path: Path) -> dict[str, str] | Broken:
        if not isinstance(value, dict):
            return collector.wrong_type(path, "a mapping", value)
        texts: dict[str, str] = {}
        for name, text in value.items():
            if not names.fullmatch(name):
                collector.report("W022", f"{name!r} cannot be {what}", (*path, name), at_key=True)
            kept = ANY_TEXT.read(collector, text, (*path, name)) if text is not BROKEN else BROKEN
            texts[name] = "" if isinstance(kept, Broken) else kept
        return texts

    # No `propertyNames`: editors cannot read every pattern that Python can.
    return Shape(read, {"type": "object", "additionalProperties": {"type": "string"}})


def _expect(collector: Collector, value: Json, path: Path) -> tuple[int | str, ...] | Broken:
    if isinstance(value, list):
        statuses: tuple[int | str, ...] | Broken = _STATUSES.read(collector, value, path)
        return statuses
    status: int | str | Broken = _STATUS.read(collector, value, path)
    return status if isinstance(status, Broken) else (status,)


def _status(collector: Collector, value: Json, path: Path) -> int | str | Broken:
    if isinstance(value, str) and re.fullmatch(r"[1-5]xx", value):
        return value
    if isinstance(value, str):
        return collector.report("W028", f"{subject(path)} is a status such as 200, or 2xx; not {value!r}", path)
    number: int | Broken = whole(100, 599, "a status such as 200, or 2xx").read(collector, value, path)
    return number


def _http(collector: Collector, value: Json, path: Path) -> Http | Broken:
    if not isinstance(value, dict):
        hint = f"write {{url: '{value}'}}" if isinstance(value, str) else None
        return collector.wrong_type(path, "a mapping with 'url'", value, hint)
    values = read_fields(collector, value, path, HTTP_FIELDS, "'http'")
    if "json" in value and "body" in value:
        collector.report("W027", "'json' and 'body' exclude each other", (*path, "body"), at_key=True)
    sent = next((key for key in ("json", "body") if key in value), None)
    if sent is not None and "method" not in value:
        collector.report("W025", f"'method' is missing in 'http', which sends '{sent}'", head(value, path),
                         hint="write method: POST")  # fmt: skip
    return Http(**values)


def _command(collector: Collector, value: Json, path: Path) -> tuple[str, ...] | Broken:
    if isinstance(value, str):
        hint = f"write [{', '.join(value.split())}], since no shell takes the text apart"
        return collector.wrong_type(path, "a list of a program and its arguments", value, hint)
    command: tuple[str, ...] | Broken = _ARGUMENTS.read(collector, value, path)
    if not isinstance(command, Broken) and not command[0].strip():
        return collector.report("W003", f"{subject((*path, 0))} is empty", (*path, 0))
    return command


def _shell(collector: Collector, value: Json, path: Path) -> Shell | Broken:
    if not isinstance(value, dict):
        return collector.wrong_type(path, "a mapping with 'command'", value)
    return Shell(**read_fields(collector, value, path, SHELL_FIELDS, "'shell'"))


def _query(collector: Collector, value: Json, path: Path) -> str | Broken:
    text: str | Broken = TEXT.read(collector, value, path)
    if isinstance(text, Broken) or (at := text.find("${")) < 0:
        return text
    message = "a query cannot hold an expression, since its value could say anything in SQL"
    hint = "give the value under 'params', and its place in the query"
    return collector.report("W038", message, path, hint=hint, inside=at, width=2)


def _params(collector: Collector, value: Json, path: Path) -> Json:
    if not isinstance(value, dict | list):
        return collector.wrong_type(path, "a mapping of parameters by name, or a list of them", value)
    return JSON.read(collector, value, path)


def _sql(collector: Collector, value: Json, path: Path) -> Sql | Broken:
    if not isinstance(value, dict):
        hint = "write {query: ...}" if isinstance(value, str) else None
        return collector.wrong_type(path, "a mapping with 'query'", value, hint)
    return Sql(**read_fields(collector, value, path, SQL_FIELDS, "'sql'"))


def _plugin(collector: Collector, value: Json, path: Path) -> str | Broken:
    text: str | Broken = TEXT.read(collector, value, path)
    if isinstance(text, Broken) or re.fullmatch(_PLUGIN, text):
        return text
    hint = "name the plug-in, a dot and its action, as in slack.post"
    return collector.report("W022", f"{text!r} cannot be an action of a plug-in", path, hint=hint)


def _whole(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Builds an action that stands in one mapping under its key."""

    def build(values: dict[str, Any]) -> dict[str, Any]:
        return values | {"action": values.pop(key, UNREADABLE)}

    return build


def _use(values: dict[str, Any]) -> dict[str, Any]:
    with_ = values.pop("with_", None)
    action = Use(plugin=values.pop("use"), with_=with_) if "use" in values else UNREADABLE
    return values | {"action": action}


_VALUE = r"[a-z][a-z0-9_]*"
_PLUGIN = r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_]*)+"
_STATUS = Shape(
    _status,
    {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": "^[1-5]xx$"}]},
)
_STATUSES = list_of(_STATUS, "a list of statuses", placeholder=200)
_ARGUMENTS = list_of(ANY_TEXT, "a list of a program and its arguments", placeholder="x")

HTTP_FIELDS = {
    "method": Field(one_of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), "The method; default GET."),
    "url": Field(
        Shape(_url, {"type": "string", "pattern": r"^(https?://|\s*\$\{)"}),
        "The address, which begins with http:// or https://.",
        required=True,
        placeholder="http://localhost",
    ),
    "headers": Field(_texts_by_name(re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), "a header"), "Headers by name."),
    "query": Field(MAPPING, "Parameters that are put behind the url."),
    "json": Field(JSON, "A value that is sent as JSON."),
    "body": Field(TEXT, "A text that is sent as it is."),
    "expect": Field(
        Shape(_expect, {"anyOf": [_STATUS.schema, _STATUSES.schema]}),
        "The statuses that count as success, such as 200, 2xx or a list of them; default 2xx.",
    ),
}
SHELL_FIELDS = {
    "command": Field(
        Shape(_command, _ARGUMENTS.schema),
        "The program and its arguments; no shell stands in between.",
        required=True,
        placeholder=("true",),
    ),
    "env": Field(_texts_by_name(re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "a variable"), "Variables of its environment."),
    "cwd": Field(TEXT, "The folder it runs in."),
}
SQL_FIELDS = {
    "query": Field(
        Shape(_query, {"type": "string", "minLength": 1, "not": {"pattern": r"\$\{"}}),
        "One statement.",
        required=True,
        placeholder="select 1",
    ),
    "params": Field(
        Shape(_params, {"type": ["object", "array"]}), "Its parameters: a mapping by name, or a list in order."
    ),
    "database": Field(NAME, "The name of a database that the worker knows; default the engine's own."),
}


def _call(values: dict[str, Any]) -> dict[str, Any]:
    if "call" not in values:
        values.pop("with_", None)
        return values | {"action": UNREADABLE}
    return values | {"action": Call(function=values.pop("call"), with_=values.pop("with_", None))}


def _set(values: dict[str, Any]) -> dict[str, Any]:
    action = Set(values=values.pop("set")) if "set" in values else UNREADABLE
    return values | {"action": action}


def _publish(values: dict[str, Any]) -> dict[str, Any]:
    action = Publish(values=values.pop("publish")) if "publish" in values else UNREADABLE
    return values | {"action": action}


def _log(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"action": Log(message=values.pop("log", None))}


def _child(word: str, action: type[Child] | type[Start]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def build(values: dict[str, Any]) -> dict[str, Any]:
        # A second action, which has been reported, may have brought a key that is not its own.
        own = {field.name for field in fields(action)}
        taken = {key: values.pop(key) for key in ("with_", "key", "queue", "attached") if key in values and key in own}
        name = values.pop(word, None)
        return values | {"action": UNREADABLE if name is None else action(workflow=name, **taken)}

    return build


def _emit(values: dict[str, Any]) -> dict[str, Any]:
    taken = {key: values.pop(key) for key in ("with_", "key", "to") if key in values}
    name = values.pop("emit", None)
    return values | {"action": UNREADABLE if name is None else Emit(event=name, **taken)}


def check_emit(collector: Collector, action: Action, path: Path) -> None:
    """Reports an event that is sent to nobody, or in two ways."""
    if not isinstance(action, Emit):
        return
    if action.to is not None and action.key is not None:
        collector.report("W027", "'to' and 'key' exclude each other", (*path, "to"), at_key=True)
    there = any(collector.place((*path, key)) is not None for key in ("to", "key"))
    if action.to is None and action.key is None and not there:
        hint = "'to' names an execution, 'key' reaches all that wait for it"
        collector.report("W025", "'emit' needs 'to' or 'key'", (*path, "emit"), at_key=True, hint=hint)


_CHILD_FIELDS = {
    "with": Field(MAPPING, "Its input; default {}.", "with_"),
    "key": Field(TEXT, "Attaches to the execution that was started with this key, if there is one."),
    "queue": Field(QUEUE, "The queue it waits in; default its own."),
}
_WITH = Field(
    Shape(_arguments, MAPPING.schema), "Arguments by name; without it a function gets the whole data.", "with_"
)

ACTIONS = {
    "call": Form(
        {
            "call": Field(FUNCTION, "Runs a Python function, importable as package.module.function."),
            "with": _WITH,
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
    "http": Form(
        {"http": Field(Shape(_http, {"$ref": "#/definitions/http"}), "Sends an HTTP request.")}, build=_whole("http")
    ),
    "sql": Form(
        {"sql": Field(Shape(_sql, {"$ref": "#/definitions/sql"}), "Runs one SQL statement.")}, build=_whole("sql")
    ),
    "shell": Form(
        {"shell": Field(Shape(_shell, {"$ref": "#/definitions/shell"}), "Runs a program.")}, build=_whole("shell")
    ),
    "workflow": Form(
        {"workflow": Field(NAME, "Runs another workflow and waits for it."), **_CHILD_FIELDS},
        build=_child("workflow", Child),
    ),
    "start": Form(
        {
            "start": Field(NAME, "Starts another workflow and carries on."),
            **_CHILD_FIELDS,
            "attached": Field(SWITCH, "Cancels it with this execution; default false."),
        },
        build=_child("start", Start),
    ),
    "emit": Form(
        {
            "emit": Field(EVENT_NAME, "Sends an event of this name."),
            "with": Field(MAPPING, "What the event says.", "with_"),
            "key": Field(TEXT, "Sends it to all executions that wait for this key."),
            "to": Field(TEXT, "Sends it to the execution of this id."),
        },
        build=_emit,
    ),
    "publish": Form(
        {
            "publish": Field(
                Shape(_published, {"type": "object", "minProperties": 1, "propertyNames": {"pattern": f"^{_VALUE}$"}}),
                "Shows values by name to clients that look or wait for them.",
            )
        },
        build=_publish,
    ),
    "use": Form(
        {
            "use": Field(
                Shape(_plugin, {"type": "string", "pattern": f"^{_PLUGIN}$"}),
                "Runs an action of a plug-in: slack.post.",
            ),
            "with": _WITH,
        },
        build=_use,
    ),
}
