"""Branches of a parallel that change the same key of the data."""

from __future__ import annotations

from collections.abc import Iterator

from durable_dsl.checks.networks import Flow
from durable_dsl.checks.sources import Sources
from durable_dsl.graph import Foreach, Graph, Node, Parallel, Set, Step, lists_of


def check_clashes(graph: Graph, _flow: Flow, sources: Sources) -> None:
    """Reports a key that two branches of one parallel both set, since neither value could be kept."""
    for node in graph.walk():
        # With `save` a parallel drops what its branches changed.
        if not isinstance(node, Parallel) or node.save is not None:
            continue
        first: dict[str, str] = {}
        for label, nodes in node.branches.items():
            for key, writer, keys in changed_keys(nodes):
                if first.setdefault(key, label) != label:
                    sources.add(
                        "W204",
                        writer.id,
                        keys,
                        f"'{key}' is changed in branch '{label}' and in branch '{first[key]}' of '{node.name}'",
                        hint=f"use two keys, or 'save' on '{node.name}', which keeps the results apart",
                    )


def changed_keys(nodes: tuple[Node, ...]) -> Iterator[tuple[str, Node, tuple[str, ...]]]:
    """Yields the keys that a list is known to change, with the node that does and its field.

    What a call without `with` merges is not known before it runs; the items of a foreach change only their own copies.
    """
    for node in nodes:
        if isinstance(node, Step) and isinstance(node.action, Set):
            for key in node.action.values:
                yield key, node, ("set", key)
        if node.save is not None:
            yield node.save, node, ("save",)
        for row in node.catch:
            yield from changed_keys(row.steps)
        if isinstance(node, Foreach) or (isinstance(node, Parallel) and node.save is not None):
            continue
        for _label, inner in lists_of(node):
            yield from changed_keys(inner)
