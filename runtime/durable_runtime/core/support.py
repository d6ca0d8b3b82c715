"""What this release compiles and draws but does not execute yet. It shrinks; nothing else knows what is missing.

Starts are refused with these sentences before anything is stored, so the interpreter never meets what is named here.
"""

from __future__ import annotations

from collections.abc import Iterator

from durable_dsl import graph as g


def unsupported(graph: g.Graph) -> list[str]:
    """Gives a sentence for every feature of a graph that cannot be executed, with the id of the node that uses it."""
    sentences = [
        f"'{node.id}': {what} is not executed by this release" for node in graph.walk_all() for what in _uses(node)
    ]
    for word in ("concurrency", "schedules"):
        if getattr(graph, word):
            sentences.append(f"'{word}' is not executed by this release")
    return sentences


def _uses(node: g.Node) -> Iterator[str]:
    """Yields what a node uses, as it is written in a file."""
    if isinstance(node, g.Loop) and node.keep is not None:
        yield "'keep'"
