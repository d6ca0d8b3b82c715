"""The nodes of a graph and the lists they own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import field

from durable_dsl.graph.actions import ONE_ATTEMPT, Action, RetryPolicy
from durable_dsl.graph.values import Condition, Json, Milliseconds, Span, Value
from durable_dsl.graph.waits import Ask, Awaited, Event, OnTimeout


class Catch(Value, frozen=True, kw_only=True):
    """One row of a node's `catch`: runs `steps` for an error of these types (none: any) for which `when` holds.

    `compensate` first undoes what the node had completed; `rethrow` passes the error on after `steps`.
    """

    errors: tuple[str, ...] = ()
    when: str | None = None
    compensate: bool = False
    rethrow: bool = False
    steps: tuple[Node, ...] = ()


class BaseNode(Value, frozen=True, kw_only=True, tag_field="kind"):
    """What every node has. `id` is the path of names down to it: `route/make_link`.

    `reshapes` tells whether `output` is set, since a null output is an output too. The first row of `catch` that fits
    an error takes it; what none takes is ignored with `ignore_errors`.
    """

    id: str
    when: Condition | None = None
    description: str | None = None
    timeout: Span | None = None
    save: str | None = None
    output: Json = None
    reshapes: bool = False
    catch: tuple[Catch, ...] = ()
    ignore_errors: bool = False

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]


class Compensation(Value, frozen=True, kw_only=True):
    """What undoes a step that completed; its expressions see the data right after the step, and the step's `result`."""

    action: Action
    retry: RetryPolicy = ONE_ATTEMPT
    timeout: Span | None = None


COMPENSATE = "compensate"
"""The last segment of the id of what undoes a step: `charge/compensate`."""


class Step(BaseNode, frozen=True, kw_only=True, tag="step"):
    """One action with its whole retry policy."""

    action: Action
    retry: RetryPolicy = ONE_ATTEMPT
    compensate: Compensation | None = None

    @property
    def undoing(self) -> Step | None:
        """The step that undoes this one, `charge/compensate`; None when nothing does."""
        undo = self.compensate
        if undo is None:
            return None
        return Step(id=f"{self.id}/{COMPENSATE}", action=undo.action, retry=undo.retry, timeout=undo.timeout)


class Choice(Value, frozen=True, kw_only=True):
    """A decision's row; `goto` is a node's id, or `end`."""

    when: Condition
    goto: str


class Decision(BaseNode, frozen=True, kw_only=True, tag="decision"):
    """A jump forward. With `call`, the function returns a name, and `targets` maps names to ids."""

    choose: tuple[Choice, ...] = ()
    call: str | None = None
    targets: dict[str, str] = field(default_factory=dict)


class Case(Value, frozen=True, kw_only=True):
    """One list of a branch; `label` is its value (or condition) for people."""

    label: str
    value: str | None = None
    when: Condition | None = None
    steps: tuple[Node, ...] = ()


class Branch(BaseNode, frozen=True, kw_only=True, tag="branch"):
    """Runs the first case that matches, else `default`; None there means it fails."""

    cases: tuple[Case, ...]
    match: Condition | None = None
    default: tuple[Node, ...] | None = None


class Parallel(BaseNode, frozen=True, kw_only=True, tag="parallel"):
    """Runs all branches at once; `need` is how many successes are enough (None: all)."""

    branches: dict[str, tuple[Node, ...]]
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    need: int | None = None


class Foreach(BaseNode, frozen=True, kw_only=True, tag="foreach"):
    """Runs `steps` for each item of the list that `items` gives."""

    items: Condition
    variable: str = "item"
    concurrency: int = 1
    batch: int | None = None
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    steps: tuple[Node, ...]


class Loop(BaseNode, frozen=True, kw_only=True, tag="loop"):
    """Runs `steps` turn after turn; `every` sleeps between turns, growing by `factor` up to `max_every`.

    `keep` is how many turns of history stay; None keeps all.
    """

    while_: Condition | None = None
    until: Condition | None = None
    every: Span | None = None
    factor: float = 1.0
    max_every: Milliseconds | None = None
    max_iterations: int = 1000
    on_limit: Literal["fail", "continue"] = "fail"
    keep: int | None = None
    steps: tuple[Node, ...]


class Wait(BaseNode, frozen=True, kw_only=True, tag="wait"):
    """Suspends for exactly one of these: a span, an instant (a template that gives a timestamp), an event, an answer.

    `any` and `all` are several of them by label. Without `on_timeout` a timeout fails.
    """

    for_: Span | None = None
    until_at: str | None = None
    event: Event | None = None
    ask: Ask | None = None
    any: dict[str, Awaited] = field(default_factory=dict)
    all: dict[str, Awaited] = field(default_factory=dict)
    on_timeout: OnTimeout | None = None

    def awaited(self) -> Iterator[tuple[tuple[str, ...], Awaited]]:
        """Yields what is waited for, with the path to it in a document: `any` and its label, or none."""
        if self.any or self.all:
            for key, labels in (("any", self.any), ("all", self.all)):
                for label, awaited in labels.items():
                    yield (key, label), awaited
        else:
            yield (), Awaited(for_=self.for_, until_at=self.until_at, event=self.event, ask=self.ask)


class Group(BaseNode, frozen=True, kw_only=True, tag="group"):
    """A list with one condition and one timeout."""

    steps: tuple[Node, ...]


class Fail(BaseNode, frozen=True, kw_only=True, tag="fail"):
    """Fails with this error."""

    type: str = "Failed"
    message: Json = None
    data: Json = None


class Finish(BaseNode, frozen=True, kw_only=True, tag="finish"):
    """Completes the whole execution; without `output` the workflow's output is used."""


Node: TypeAlias = Step | Decision | Branch | Parallel | Foreach | Loop | Wait | Group | Fail | Finish


def conditions_of(node: Node) -> Iterator[tuple[tuple[str | int, ...], Condition]]:
    """Yields where a function may stand in place of an expression, each with the path to it below its node."""
    if node.when is not None:
        yield ("when",), node.when
    match node:
        case Decision():
            for index, choice in enumerate(node.choose):
                yield ("choose", index, "when"), choice.when
        case Branch():
            if node.match is not None:
                yield ("match",), node.match
            for index, case in enumerate(node.cases):
                if case.when is not None:
                    yield ("cases", index, "when"), case.when
        case Foreach():
            yield ("in",), node.items
        case Loop(while_=None, until=None):
            return
        case Loop():
            key, condition = ("while", node.while_) if node.while_ is not None else ("until", node.until)
            if condition is not None:
                yield (key,), condition
        case _:
            return


def lists_of(node: Node) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Yields the lists of a node's own work with their labels, without those of `catch`; nothing for a leaf."""
    match node:
        case Branch():
            for case in node.cases:
                yield case.label, case.steps
            if node.default is not None:
                yield "default", node.default
        case Parallel():
            yield from node.branches.items()
        case Foreach() | Loop() | Group():
            yield "steps", node.steps
        case Step() | Decision() | Wait() | Fail() | Finish():
            return


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yields these nodes and everything below them, a container before its content."""
    for node in nodes:
        yield node
        for _label, inner in lists_of(node):
            yield from walk(inner)
        for row in node.catch:
            yield from walk(row.steps)
