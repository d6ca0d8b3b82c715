"""One function per kind of node; each gives a draft that `workflow(…)` reads as if it stood in a file.

Names and fields are those of YAML; reserved words of Python take a trailing underscore.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from durable_dsl.builder.data import Change
from durable_dsl.builder.values import Condition, Draft, Duration, Function, Retry, draft, part
from durable_dsl.document import AskKind, Json, Workflow


class _Address(TypedDict):
    url: str


class Http(_Address, total=False):
    """A request."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    headers: Mapping[str, str]
    query: Mapping[str, Json]
    json: Json
    body: str
    expect: int | str | Sequence[int | str]


class _Query(TypedDict):
    query: str


class Sql(_Query, total=False):
    """One SQL statement."""

    params: Mapping[str, Json] | Sequence[Json]
    database: str


class _Command(TypedDict):
    command: Sequence[str]


class Shell(_Command, total=False):
    """A program."""

    env: Mapping[str, str]
    cwd: str


Compensation = TypedDict(
    "Compensation",
    {
        "call": Function,
        "with": Mapping[str, Json],
        "log": Json,
        "http": Http,
        "sql": Sql,
        "shell": Shell,
        "use": str,
        "retry": int | str | Retry,
        "timeout": Duration,
    },
    total=False,
)
"""What undoes a step, when the function alone does not say it all; its expressions see the step's `result`."""


Awaited = TypedDict(
    "Awaited",
    {
        "for": Duration,
        "at": str | datetime,
        "event": str,
        "key": str,
        "where": str,
        "ask": AskKind,
        "prompt": str,
        "assignees": Sequence[str],
        "choices": Sequence[str],
        "fields": Mapping[str, Json],
        "schema": Json,
        "metadata": Mapping[str, Json],
    },
    total=False,
)
"""One thing that a wait waits for, under its label."""


class OnTimeout(TypedDict, total=False):
    """What a wait does after its timeout instead of failing."""

    value: Json
    goto: str


class AtLeast(TypedDict):
    """How many branches of a parallel are enough."""

    at_least: int


class Backoff(TypedDict, total=False):
    """How the sleep between turns of a loop grows."""

    factor: float
    max: Duration


class Shared(TypedDict, total=False):
    """What every node takes, whatever its kind."""

    when: Condition
    description: str
    timeout: Duration
    save: str
    output: Json
    catch: Sequence[Draft]
    ignore_errors: bool


class Bare(TypedDict, total=False):
    """What a node takes that has no errors of its own to catch."""

    when: Condition
    description: str


class Ending(Bare, total=False):
    """What a node takes that ends the execution."""

    output: Json


def catch(
    *nodes: Draft,
    errors: Sequence[type[BaseException] | str] | None = None,
    when: Condition | None = None,
    compensate: bool | None = None,
    rethrow: bool | None = None,
) -> Draft:
    """One row of a node's `catch=[…]`: what is done about errors of these types (without `errors`: any).

    The result of the nodes becomes the node's; without nodes it is None. `compensate` first undoes what the node had
    completed, `rethrow` passes the error on in the end.
    """
    fields = {"errors": errors, "when": when, "compensate": compensate, "rethrow": rethrow}
    return part({**fields, "steps": nodes if nodes or not rethrow else None})


def step(
    name: str,
    action: Function | Change | None = None,
    *,
    with_: Mapping[str, Json] | None = None,
    set: Mapping[str, Json] | None = None,
    log: Json = None,
    http: Http | None = None,
    sql: Sql | None = None,
    shell: Shell | None = None,
    use: str | None = None,
    workflow: str | Workflow | None = None,
    start: str | Workflow | None = None,
    emit: str | None = None,
    publish: Mapping[str, Json] | None = None,
    key: str | None = None,
    to: str | None = None,
    queue: str | None = None,
    attached: bool | None = None,
    retry: int | str | Retry | None = None,
    compensate: Function | Compensation | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """One unit of work: a function, a change of the data (`set=`, `assign(…)`), or another action by its name.

    A function without `with_` is given the whole data; `with_` are its keyword arguments, and those of a plug-in's
    action (`use="slack.post"`).
    """
    if isinstance(action, Change):
        if set is not None:
            raise TypeError(f"step '{name}' is given a change of the data and 'set'; put both into one of them")
        set = action.values
        action = None
    actions = {
        "call": action,
        "with": with_,
        "set": set,
        "log": log,
        "http": http,
        "sql": sql,
        "shell": shell,
        "use": use,
        "publish": publish,
    }
    sent = {"emit": emit, "key": key, "to": to, "queue": queue, "attached": attached}
    for word, child in (("workflow", workflow), ("start", start)):
        sent[word] = child.name if isinstance(child, Workflow) else child
    return draft("step", name, {**actions, **sent, "retry": retry, "compensate": compensate, **shared})


def decision(
    name: str,
    function: Function | None = None,
    *,
    choose: Mapping[str, str] | Sequence[tuple[Condition, str]] | None = None,
    goto: Sequence[str] | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Jumps forward: `choose={condition: target}`, the first that holds; or a function that returns one of `goto`.

    A function may be the condition of a row, in a list of them: `choose=[(is_late, "remind")]`.
    """
    pairs = choose.items() if isinstance(choose, Mapping) else choose
    rows = (
        None
        if pairs is None
        else [{"when": {"call": when} if callable(when) else when, "goto": target} for when, target in pairs]
    )
    return draft("decision", name, {"choose": rows, "call": function, "goto": goto, **shared})


def case(when: Condition, *nodes: Draft) -> Draft:
    """One list of a `branch(cases=[…])`, run when its condition holds and none before it did."""
    return part({"when": when, "steps": nodes})


def branch(
    name: str,
    *,
    cases: Mapping[str, Sequence[Draft]] | Sequence[Draft],
    match: Condition | None = None,
    default: Sequence[Draft] | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Runs one of several lists: `cases={value: [nodes]}` with `match`, or `cases=[case(condition, *nodes)]`."""
    return draft("branch", name, {"match": match, "cases": cases, "default": default, **shared})


def parallel(
    name: str,
    branches: Mapping[str, Sequence[Draft]] | Sequence[Draft],
    *,
    on_error: Literal["fail_fast", "complete_all"] | None = None,
    join: Literal["all", "any"] | AtLeast | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Runs its branches at once: `{name: [nodes]}`, or a list of nodes that are each their own branch."""
    key = "branches" if isinstance(branches, Mapping) else "steps"
    return draft("parallel", name, {key: branches, "on_error": on_error, "join": join, **shared})


def foreach(
    name: str,
    *nodes: Draft,
    in_: Condition,
    as_: str | None = None,
    concurrency: int | None = None,
    batch: int | None = None,
    on_error: Literal["fail_fast", "complete_all"] | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Runs its nodes for each item of the list that `in_` gives; each item has its own copy of the data."""
    fields = {"in": in_, "as": as_, "concurrency": concurrency, "batch": batch, "on_error": on_error}
    return draft("foreach", name, {**fields, "steps": nodes, **shared})


def loop(
    name: str,
    *nodes: Draft,
    while_: Condition | None = None,
    until: Condition | None = None,
    every: Duration | None = None,
    backoff: Backoff | None = None,
    max_iterations: int | None = None,
    on_limit: Literal["fail", "continue"] | None = None,
    keep: int | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Runs its nodes turn after turn: while a condition holds (tested before), or until one does (tested after)."""
    fields = {"while": while_, "until": until, "every": every, "backoff": backoff}
    limits = {"max_iterations": max_iterations, "on_limit": on_limit, "keep": keep}
    return draft("loop", name, {**fields, **limits, "steps": nodes, **shared})


def wait(
    name: str,
    *,
    for_: Duration | None = None,
    at: str | datetime | None = None,
    event: str | None = None,
    key: str | None = None,
    where: str | None = None,
    ask: AskKind | None = None,
    prompt: str | None = None,
    assignees: Sequence[str] | None = None,
    choices: Sequence[str] | None = None,
    fields: Mapping[str, Json] | None = None,
    schema: Json = None,
    metadata: Mapping[str, Json] | None = None,
    any: Mapping[str, Awaited] | None = None,
    all: Mapping[str, Awaited] | None = None,
    on_timeout: Literal["fail"] | OnTimeout | None = None,
    **shared: Unpack[Shared],
) -> Draft:
    """Suspends without holding anything: for a span, until an instant, for an event or an answer of people.

    `any` and `all` wait for several of these, each under a label.
    """
    awaited = {"for": for_, "at": at, "event": event, "key": key, "where": where}
    asked = {"ask": ask, "prompt": prompt, "assignees": assignees, "choices": choices, "fields": fields}
    more = {"schema": schema, "metadata": metadata, "any": any, "all": all, "on_timeout": on_timeout}
    return draft("wait", name, {**awaited, **asked, **more, **shared})


def group(name: str, *nodes: Draft, **shared: Unpack[Shared]) -> Draft:
    """A list of nodes with one condition and one timeout."""
    return draft("group", name, {"steps": nodes, **shared})


def fail(
    name: str, *, type: str | None = None, message: Json = None, data: Json = None, **shared: Unpack[Bare]
) -> Draft:
    """Fails with an error of this type."""
    return draft("fail", name, {"type": type, "message": message, "data": data, **shared})


def finish(name: str, **shared: Unpack[Ending]) -> Draft:
    """Ends the whole execution early and well; without `output` the workflow's is used."""
    return draft("finish", name, shared)
