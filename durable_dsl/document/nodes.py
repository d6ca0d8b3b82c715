"""The nodes of a document, as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from durable_dsl.document.actions import Action
from durable_dsl.document.values import UNSET, Condition, Json, Unset
from durable_dsl.document.waits import Ask, Awaited, Event, OnTimeout
from durable_dsl.errors import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy; the defaults are the language's. Durations stay as written."""

    max_attempts: int = 3
    backoff: Literal["exponential", "linear", "constant"] = "exponential"
    delay: str = "1s"
    factor: float = 2
    max_delay: str = "5m"
    max_elapsed: str | None = None
    jitter: float | Literal["full"] = 0.25
    only: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """One row of a node's `catch`: takes errors of these types (none: any) for which `when` holds."""

    errors: tuple[str, ...] = ()
    when: str | None = None
    compensate: bool = False
    rethrow: bool = False
    steps: tuple[Node, ...] = ()
    at: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseNode:
    """What every node takes, whatever its kind."""

    name: str
    when: Condition | None = None
    description: str | None = None
    timeout: str | None = None
    save: str | None = None
    output: Json | Unset = UNSET
    catch: tuple[Catch, ...] = ()
    ignore_errors: bool = False
    at: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """What undoes a step that completed; its expressions see the step's `result`."""

    action: Action
    retry: Retry | str | None = None
    timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(BaseNode):
    """One unit of work. `retry` is a policy, a policy's name, or None for the workflow's default."""

    action: Action
    retry: Retry | str | None = None
    compensate: Compensation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One row of a decision's `choose`."""

    when: Condition
    goto: str
    at: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(BaseNode):
    """Jumps forward: by `choose`, or by a function that returns one of the names in `goto`."""

    choose: tuple[Choice, ...] = ()
    call: str | None = None
    goto: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One list of a branch: taken when `match` gives `value` (as text), or when `when` holds."""

    value: str | None = None
    when: Condition | None = None
    steps: tuple[Node, ...]
    at: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(BaseNode):
    """Runs one of several lists; `default` None means that no match fails."""

    match: Condition | None = None
    cases: tuple[Case, ...]
    default: tuple[Node, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(BaseNode):
    """Runs its branches at once. `join` is `all`, `any` or the number of successes that is enough."""

    branches: Mapping[str, tuple[Node, ...]]
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    join: Literal["all", "any"] | int = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach(BaseNode):
    """Runs its list for each item of `in_`, at most `concurrency` items at once."""

    in_: Condition
    as_: str = "item"
    concurrency: int = 1
    batch: int | None = None
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How the sleep between turns grows: turn n after `every·factor^(n-1)`, at most `max`."""

    factor: float = 2
    max: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(BaseNode):
    """Runs its list turn after turn; exactly one of `while_` (tested before) and `until` (tested after) is set."""

    while_: Condition | None = None
    until: Condition | None = None
    every: str | None = None
    backoff: Backoff | None = None
    max_iterations: int = 1000
    on_limit: Literal["fail", "continue"] = "fail"
    keep: int | None = None
    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(BaseNode):
    """Suspends without holding anything for exactly one of these; `any` and `all` are several of them by label."""

    for_: str | None = None
    until_at: str | None = None
    event: Event | None = None
    ask: Ask | None = None
    any: Mapping[str, Awaited] = field(default_factory=dict)
    all: Mapping[str, Awaited] = field(default_factory=dict)
    on_timeout: OnTimeout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(BaseNode):
    """A list of nodes with one `when` and one `timeout`."""

    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(BaseNode):
    """Fails with an error of the given type."""

    type: str = "Failed"
    message: Json = None
    data: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(BaseNode):
    """Ends the whole execution early and well. Its `output`, or the workflow's, is the execution's."""


Node: TypeAlias = Step | Decision | Branch | Parallel | Foreach | Loop | Wait | Group | Fail | Finish


def lists_of(node: Node) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Yields the lists a node holds with their labels, in the order written; nothing for a leaf."""
    match node:
        case Branch():
            for index, case in enumerate(node.cases):
                yield (case.value if case.value is not None else f"when {index + 1}"), case.steps
            if node.default is not None:
                yield "default", node.default
        case Parallel():
            yield from node.branches.items()
        case Foreach() | Loop() | Group():
            yield "steps", node.steps
        case Step() | Decision() | Wait() | Fail() | Finish():
            return
