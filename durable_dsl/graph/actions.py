"""What a step does, and how often it tries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, assert_never

from msgspec import field

from durable_dsl.graph.values import Json, Milliseconds, Value


class RetryPolicy(Value, frozen=True, kw_only=True):
    """A whole retry policy; `max_attempts` counts the first attempt too."""

    max_attempts: int = 1
    backoff: Literal["exponential", "linear", "constant"] = "exponential"
    delay: Milliseconds = 1000
    factor: float = 2.0
    max_delay: Milliseconds = 300_000
    max_elapsed: Milliseconds | None = None
    jitter: float | Literal["full"] = 0.25
    only: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    when: str | None = None


ONE_ATTEMPT = RetryPolicy()


class Call(Value, frozen=True, kw_only=True, tag="call", tag_field="action"):
    """A Python function by its import path; `with_` None gives it the whole data."""

    function: str
    with_: dict[str, Json] | None = None


class Set(Value, frozen=True, kw_only=True, tag="set", tag_field="action"):
    """Values put into the data."""

    values: dict[str, Json]


class Log(Value, frozen=True, kw_only=True, tag="log", tag_field="action"):
    """A message for the execution's log."""

    message: Json


class Http(Value, frozen=True, kw_only=True, tag="http", tag_field="action"):
    """A request; everything but `method` and `expect` may hold `${ … }`.

    `sends_json` tells whether `json` is set, since null is JSON too. `expect` are the statuses that count as success,
    `200` or `2xx`; none means `2xx`.
    """

    url: str
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, Json] = field(default_factory=dict)
    json: Json = None
    sends_json: bool = False
    body: str | None = None
    expect: tuple[int | str, ...] = ()


class Shell(Value, frozen=True, kw_only=True, tag="shell", tag_field="action"):
    """A program and its arguments; all texts may hold `${ … }`."""

    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None


class Sql(Value, frozen=True, kw_only=True, tag="sql", tag_field="action"):
    """One statement, which holds no `${ … }`; its parameters, by name or in order, may. No `database`: the engine's."""

    query: str
    params: dict[str, Json] | list[Json] | None = None
    database: str | None = None


class Use(Value, frozen=True, kw_only=True, tag="use", tag_field="action"):
    """An action of a plug-in: `slack.post`. Without `with_` it is given nothing."""

    plugin: str
    with_: dict[str, Json] = field(default_factory=dict)


class Child(Value, frozen=True, kw_only=True, tag="workflow", tag_field="action"):
    """Another workflow that is run and waited for. `key`, a template, attaches to an execution of the same key."""

    workflow: str
    with_: dict[str, Json] = field(default_factory=dict)
    key: str | None = None
    queue: str | None = None


class Start(Value, frozen=True, kw_only=True, tag="start", tag_field="action"):
    """Another workflow that is started; only if it is `attached` its parent's end, cancel and pause reach it."""

    workflow: str
    with_: dict[str, Json] = field(default_factory=dict)
    key: str | None = None
    queue: str | None = None
    attached: bool = False


class Emit(Value, frozen=True, kw_only=True, tag="emit", tag_field="action"):
    """An event sent to the execution `to`, or to all that wait for its `key`; exactly one of these templates is set."""

    event: str
    to: str | None = None
    key: str | None = None
    with_: dict[str, Json] = field(default_factory=dict)


class Publish(Value, frozen=True, kw_only=True, tag="publish", tag_field="action"):
    """Values by name that clients read and wait for; the newest of a name counts."""

    values: dict[str, Json]


Action: TypeAlias = Call | Set | Log | Http | Shell | Sql | Use | Child | Start | Emit | Publish

Attempted: TypeAlias = Call | Http | Shell | Sql | Use
"""The actions that reach the outside world, so that they are attempted, can fail and be tried again."""


def may_read_secrets(action: Action, keys: tuple[str, ...]) -> bool:
    """Tells whether the value at `keys` of an action may read `secrets`.

    Those may that are made just before an attempt and never stored. A program's arguments are not stored either, but
    everyone on the machine can read them.
    """
    match action:
        case Http():
            return True
        case Call() | Use():
            return keys == ("with",)
        case Shell():
            return keys == ("shell", "env")
        case _:
            return False


def templates_of(action: Action) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yields the values of an action that may hold `${ … }`, each with the path to it below its step in a document."""
    match action:
        case Call():
            yield ("with",), action.with_
        case Set():
            yield ("set",), action.values
        case Publish():
            yield ("publish",), action.values
        case Log():
            yield ("log",), action.message
        case Http():
            for key in ("url", "headers", "query", "json", "body"):
                yield ("http", key), getattr(action, key)
        case Shell():
            for key in ("command", "env", "cwd"):
                yield ("shell", key), getattr(action, key)
        case Sql():
            yield ("sql", "params"), action.params
        case Use():
            yield ("with",), action.with_
        case Child() | Start():
            yield ("with",), action.with_
            yield ("key",), action.key
        case Emit():
            yield ("with",), action.with_
            yield ("key",), action.key
            yield ("to",), action.to
        case _:
            assert_never(action)
