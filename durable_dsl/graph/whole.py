"""The whole graph and its JSON form."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from durable_dsl.graph.nodes import Node, Step, walk
from durable_dsl.graph.settings import CancelOn, Concurrency, Schedule
from durable_dsl.graph.values import Json, Span, Value

FORMAT = 1
"""The version of this JSON form; stored graphs of older formats must stay readable while executions pin them."""


class Graph(Value, frozen=True, kw_only=True):
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
    constants: dict[str, Json] = msgspec.field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    on_failure: tuple[Node, ...] = ()
    concurrency: Concurrency | None = None
    cancel_on: tuple[CancelOn, ...] = ()
    schedules: tuple[Schedule, ...] = ()

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
        yield from walk(self.on_failure)

    def walk_all(self) -> Iterator[Node]:
        """Yields every node as `walk` does, and behind a step the step that undoes it."""
        for node in self.walk():
            yield node
            if isinstance(node, Step) and node.undoing is not None:
                yield node.undoing


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
