"""A graph's lists as networkx graphs: one DAG per list, with the start and the end as nodes of their own.

A jump out of an inner list is, in the list it lands in, an edge from the container to the target; a loop or a foreach
is one node, and what it repeats is a DAG of its own. So no network ever has a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import networkx as nx

from durable_dsl.checks.constants import is_constant
from durable_dsl.checks.fields import Field, entry_fields
from durable_dsl.graph import (
    END,
    Branch,
    Decision,
    Fail,
    Finish,
    Foreach,
    Graph,
    Group,
    Loop,
    Node,
    OnTimeout,
    Parallel,
    Step,
    Wait,
    lists_of,
)

Network: TypeAlias = "nx.DiGraph[str]"

# No id has a space in it, so neither of these is ever a node's.
BEGIN = "list begins"
FINAL = "list ends"


@dataclass(frozen=True, slots=True)
class Exits:
    """How control leaves a node or a list: onto what follows it, or by jumps to nodes of lists around it."""

    falls_through: bool
    jumps: frozenset[str] = frozenset()


def to_networkx(graph: Graph) -> dict[str, Network]:
    """Gives the network of every list by its place: "" for the top, `on_failure`, else its owner's id and its label.

    Edges have a `jump` attribute: false to what follows in the list, true for a decision's target.
    """
    flow = Flow()
    return {
        f"{owner.id}:{label}" if owner is not None else label: flow.network(nodes)[0]
        for owner, label, nodes in inner_lists(graph)
    }


class Flow:
    """How control goes through the lists of one graph, and what its nodes read; what was found for a node is kept."""

    def __init__(self) -> None:
        self._exits: dict[str, Exits] = {}
        self._fields: dict[str, tuple[Field, ...]] = {}

    def entry_fields(self, node: Node) -> tuple[Field, ...]:
        """Gives the expressions that are evaluated before a node's own work."""
        known = self._fields.get(node.id)
        if known is None:
            known = self._fields[node.id] = tuple(entry_fields(node))
        return known

    def network(self, nodes: tuple[Node, ...]) -> tuple[Network, Exits]:
        """Gives one list's network, and how control leaves the list."""
        network: Network = nx.DiGraph()
        network.add_nodes_from([BEGIN, *(node.id for node in nodes), FINAL])
        following = [*(node.id for node in nodes), FINAL]
        network.add_edge(BEGIN, following[0], jump=False)
        outward: set[str] = set()
        for index, node in enumerate(nodes):
            exits = self.exits(node)
            for target in exits.jumps:
                own = FINAL if target == END else target
                if own in network:
                    network.add_edge(node.id, own, jump=True)
                else:
                    outward.add(target)
            if exits.falls_through:
                network.add_edge(node.id, following[index + 1], jump=False)
        return network, Exits(nx.has_path(network, BEGIN, FINAL), frozenset(outward))

    def exits(self, node: Node) -> Exits:
        """Tells how control leaves a node, whatever happens inside it; a failure leaves nowhere."""
        known = self._exits.get(node.id)
        if known is None:
            known = self._own_exits(node)
            if node.catch or node.ignore_errors:
                known = self._caught(node, known)
            if node.when is not None and not is_constant(node.when, True):
                known = Exits(True, known.jumps)
            self._exits[node.id] = known
        return known

    def _caught(self, node: Node, known: Exits) -> Exits:
        """Adds the ways that errors of a node take."""
        through, jumps = known.falls_through or node.ignore_errors, set(known.jumps)
        for row in node.catch:
            exits = self.network(row.steps)[1]
            through = through or (exits.falls_through and not row.rethrow)
            jumps |= exits.jumps
        return Exits(through, frozenset(jumps))

    def _own_exits(self, node: Node) -> Exits:
        match node:
            case Step():
                return Exits(True)
            case Wait(on_timeout=OnTimeout(goto=str(target))):
                return Exits(True, frozenset({target}))
            case Wait():
                return Exits(True)
            case Fail() | Finish():
                return Exits(False)
            case Decision():
                always = any(is_constant(choice.when, True) for choice in node.choose)
                targets = frozenset(choice.goto for choice in node.choose) | set(node.targets.values())
                return Exits(not always, targets)
            case Branch() | Group():
                inner = [self.network(nodes)[1] for _label, nodes in lists_of(node)]
                jumps = frozenset(target for exits in inner for target in exits.jumps)
                return Exits(any(exits.falls_through for exits in inner), jumps)
            case Parallel():
                ends = [self.network(nodes)[1].falls_through for nodes in node.branches.values()]
                need = len(ends) if node.need is None else node.need
                return Exits(node.on_error == "complete_all" or sum(ends) >= need)
            case Foreach():
                # No item, no turn: an empty list falls through whatever the body does.
                return Exits(True)
            case Loop():
                body = self.network(node.steps)[1]
                return Exits(_loop_ends(node, body), body.jumps)
            case _:
                assert_never(node)


def _loop_ends(node: Loop, body: Exits) -> bool:
    if never_stops(node):
        return body.falls_through and node.on_limit == "continue"
    return node.while_ is not None or body.falls_through


def never_stops(node: Loop) -> bool:
    """Tells whether a loop's condition is constant and never ends it."""
    if node.while_ is not None:
        return is_constant(node.while_, True)
    return node.until is not None and is_constant(node.until, False)


def inner_lists(graph: Graph) -> Iterator[tuple[Node | None, str, tuple[Node, ...]]]:
    """Yields every list with its owner (None: the workflow) and its label."""
    yield None, "", graph.steps
    if graph.on_failure:
        yield None, "on_failure", graph.on_failure
    for node in graph.walk():
        for label, nodes in lists_of(node):
            yield node, label, nodes
        for index, row in enumerate(node.catch):
            yield node, f"catch {index + 1}", row.steps
