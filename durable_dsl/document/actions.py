"""What a step does, as written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from durable_dsl.document.values import UNSET, Json, Unset

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Runs a Python function, importable by name; without `with_` it is given the whole data."""

    function: str
    with_: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Puts values into the data; every expression sees the data before it."""

    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Writes a message to the execution's log."""

    message: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Sends a request. `expect` are the statuses that count as success, `200` or `2xx`; none: `2xx`."""

    method: Method = "GET"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Json] = field(default_factory=dict)
    json: Json | Unset = UNSET
    body: str | None = None
    expect: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs a program with these arguments; no shell stands in between."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """Runs one statement with its parameters; without `database` on the engine's own."""

    query: str
    params: Mapping[str, Json] | Sequence[Json] | None = None
    database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Runs an action of an installed plug-in."""

    plugin: str
    with_: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """Runs another workflow and waits for it; `key` attaches to an execution that was started with the same key."""

    workflow: str
    with_: Mapping[str, Json] | None = None
    key: str | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Starts another workflow and carries on; an `attached` one is cancelled with its parent."""

    workflow: str
    with_: Mapping[str, Json] | None = None
    key: str | None = None
    queue: str | None = None
    attached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Sends an event to one execution, or to whoever waits for its key."""

    event: str
    to: str | None = None
    key: str | None = None
    with_: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Shows values by name to whoever looks at the execution, and to those who wait for them."""

    values: Mapping[str, Json]


Action: TypeAlias = Call | Set | Log | Http | Shell | Sql | Use | Child | Start | Emit | Publish
