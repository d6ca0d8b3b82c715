"""What this release compiles and draws but does not execute yet. It shrinks; nothing else knows what is missing.

Starts are refused with these sentences before anything is stored, so the interpreter never meets what is named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, TypeAlias

from durable_dsl import graph as g

NotExecuted: TypeAlias = g.Emit


def never_started(value: NotExecuted) -> NoReturn:
    """Stands where the interpreter would meet what `unsupported` refuses, so that matches stay exhaustive."""
    raise AssertionError(f"an execution began that this release does not execute: {value}")


def unsupported(graph: g.Graph) -> list[str]:
    """Gives a sentence for every feature of a graph that cannot be executed, with the id of the node that uses it."""
    sentences = [
        f"'{node.id}': {what} is not executed by this release" for node in graph.walk_all() for what in _uses(node)
    ]
    for word in ("concurrency", "cancel_on", "schedules"):
        if getattr(graph, word):
            sentences.append(f"'{word}' is not executed by this release")
    return sentences


def _uses(node: g.Node) -> Iterator[str]:
    """Yields what a node uses, as it is written in a file."""
    if isinstance(node, g.Loop) and node.keep is not None:
        yield "'keep'"
    if isinstance(node, g.Wait) and any(awaited.event and awaited.event.key for _path, awaited in node.awaited()):
        yield "'key' of a wait for an event"
    if isinstance(node, g.Step) and isinstance(node.action, NotExecuted):
        yield f"'{type(node.action).__name__.lower()}'"
