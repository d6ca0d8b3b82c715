"""The graph: the only thing that is executed, frozen, with a JSON form whose hash is its version.

A graph is a list of nodes in the order they run; edges are "the next of the list" and a decision's jumps, always
forward, so every list is a DAG. A container's lists are graphs of their own; `foreach` and `loop` own the body they
repeat. Everything is resolved here: ids are paths of names, durations are milliseconds (or a `${ … }` text that gives
one), retry policies are whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, TypeAlias

import msgspec

FORMAT = 1
"""The version of this JSON form; stored graphs of older formats must stay readable while executions pin them."""

END = "end"
"""The target of a jump to the end of the decision's own list. No node can be called so."""

Json: TypeAlias = Any
Milliseconds: TypeAlias = int
Span: TypeAlias = int | str
"""Milliseconds, or a text with one `${ … }` that gives a duration when it is needed."""


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Frozen, compared by value, unknown keys refused."""

    def __post_init__(self) -> None:
        # msgspec leaves a default out only where the value is the very same object. A default that was written out
        # would then be another JSON, and another version, of an equal graph.
        for name, default in _plain_defaults(type(self)):
            value = getattr(self, name)
            if value is not default and type(value) is type(default) and value == default:
                msgspec.structs.force_setattr(self, name, default)


@cache
def _plain_defaults(struct: type[msgspec.Struct]) -> tuple[tuple[str, str | int | float], ...]:
    return tuple(
        (each.name, each.default)
        for each in msgspec.structs.fields(struct)
        if isinstance(each.default, str | int | float)
    )


class RetryPolicy(_Value, frozen=True, kw_only=True):
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


class Call(_Value, frozen=True, kw_only=True, tag="call", tag_field="action"):
    """A Python function by its import path; `with_` None gives it the whole data."""

    function: str
    with_: dict[str, Json] | None = None


class Set(_Value, frozen=True, kw_only=True, tag="set", tag_field="action"):
    """Values put into the data."""

    values: dict[str, Json]


class Log(_Value, frozen=True, kw_only=True, tag="log", tag_field="action"):
    """A message for the execution's log."""

    message: Json


Action: TypeAlias = Call | Set | Log


class BaseNode(_Value, frozen=True, kw_only=True, tag_field="kind"):
    """What every node has. `id` is the path of names down to it: `route/make_link`.

    `reshapes` tells whether `output` is set, since a null output is an output too.
    """

    id: str
    when: str | None = None
    description: str | None = None
    timeout: Span | None = None
    save: str | None = None
    output: Json = None
    reshapes: bool = False

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]


class Step(BaseNode, frozen=True, kw_only=True, tag="step"):
    """One action with its whole retry policy."""

    action: Action
    retry: RetryPolicy = ONE_ATTEMPT


class Choice(_Value, frozen=True, kw_only=True):
    """A decision's row; `goto` is a node's id, or `end`."""

    when: str
    goto: str


class Decision(BaseNode, frozen=True, kw_only=True, tag="decision"):
    """A jump forward. With `call`, the function returns a name, and `targets` maps names to ids."""

    choose: tuple[Choice, ...] = ()
    call: str | None = None
    targets: dict[str, str] = {}


class Case(_Value, frozen=True, kw_only=True):
    """One list of a branch; `label` is its value (or condition) for people."""

    label: str
    value: str | None = None
    when: str | None = None
    steps: tuple[Node, ...] = ()


class Branch(BaseNode, frozen=True, kw_only=True, tag="branch"):
    """Runs the first case that matches, else `default`; None there means it fails."""

    cases: tuple[Case, ...]
    match: str | None = None
    default: tuple[Node, ...] | None = None


class Parallel(BaseNode, frozen=True, kw_only=True, tag="parallel"):
    """Runs all branches at once; `need` is how many successes are enough (None: all)."""

    branches: dict[str, tuple[Node, ...]]
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    need: int | None = None


class Foreach(BaseNode, frozen=True, kw_only=True, tag="foreach"):
    """Runs `steps` for each item of `items`, an expression that gives a list."""

    items: str
    variable: str = "item"
    concurrency: int = 1
    batch: int | None = None
    on_error: Literal["fail_fast", "complete_all"] = "fail_fast"
    steps: tuple[Node, ...]


class Loop(BaseNode, frozen=True, kw_only=True, tag="loop"):
    """Runs `steps` turn after turn; `every` sleeps between turns, growing by `factor` up to `max_every`."""

    while_: str | None = None
    until: str | None = None
    every: Span | None = None
    factor: float = 1.0
    max_every: Milliseconds | None = None
    max_iterations: int = 1000
    on_limit: Literal["fail", "continue"] = "fail"
    steps: tuple[Node, ...]


class Wait(BaseNode, frozen=True, kw_only=True, tag="wait"):
    """Suspends for a span, or until an instant (`until_at`, a template that gives a timestamp)."""

    for_: Span | None = None
    until_at: str | None = None


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


class Graph(_Value, frozen=True, kw_only=True):
    """A compiled workflow. Equal graphs have equal `version`s; an execution is pinned to one for its whole life."""

    workflow: str
    steps: tuple[Node, ...]
    format: int = FORMAT
    description: str | None = None
    label: str | None = None
    timeout: Span | None = None
    queue: str = "default"
    priority: int = 0
    input: Json = None
    output: Json = None
    reshapes: bool = False
    constants: dict[str, Json] = {}

    def to_json(self) -> bytes:
        """Gives the canonical JSON: fields in the order declared, defaults left out, the author's keys in their order.

        Sorting the author's keys would change what a `set` stores, so two orders are two versions.
        """
        return _encoder.encode(self)

    @property
    def version(self) -> str:
        """The content hash, 16 hexadecimal digits of SHA-256 over the canonical JSON.

        64 bits tell one workflow's versions apart; the store compares the whole JSON when a hash is already there.
        """
        return hashlib.sha256(self.to_json()).hexdigest()[:16]

    def walk(self) -> Iterator[Node]:
        """Yields every node, containers before what they hold, in the order written."""
        yield from walk(self.steps)


def lists_of(node: Node) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Yields the lists a node owns with their labels; nothing for a leaf."""
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


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Graph)


def graph_from_json(text: bytes | str) -> Graph:
    """Reads a graph back; `graph_from_json(graph.to_json()) == graph`.

    Raises `ValueError` when the text is not a graph of a format this release knows.
    """
    try:
        graph = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a graph of format {FORMAT}: {error}") from None
    if graph.format != FORMAT:
        raise ValueError(f"this graph has format {graph.format}, and this release reads {FORMAT}: upgrade durable-dsl")
    return graph
