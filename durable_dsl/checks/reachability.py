"""Nodes that nothing leads to, and loops that nothing ends."""

from __future__ import annotations

import networkx as nx

from durable_dsl.checks.constants import is_constant
from durable_dsl.checks.networks import BEGIN, Flow, inner_lists, never_stops
from durable_dsl.checks.sources import Sources
from durable_dsl.graph import Branch, Catch, Condition, Decision, Fail, Finish, Graph, Loop, Node, walk


def check_reachability(graph: Graph, flow: Flow, sources: Sources) -> None:
    """Reports the first of every run of nodes that no path through its list reaches."""
    for _owner, _label, nodes in inner_lists(graph):
        network, _exits = flow.network(nodes)
        reached = nx.descendants(network, BEGIN)
        before = None
        for node in nodes:
            lost = node.id not in reached
            if lost and before is not None and before.id in reached:
                sources.add(
                    "W201",
                    node.id,
                    (),
                    f"'{node.name}' can never run: '{before.name}' always ends or jumps over it",
                    hint="remove it, or give the node before it a 'when'",
                )
            before = node


def check_choices(graph: Graph, _flow: Flow, sources: Sources) -> None:
    """Reports rows of a decision and cases that stand behind one whose condition always holds."""
    for node in graph.walk():
        match node:
            case Decision():
                key, conditions = "choose", tuple[Condition, ...](choice.when for choice in node.choose)
            case Branch():
                key, conditions = "cases", tuple(case.when or "false" for case in node.cases)
            case _:
                continue
        _check_rows(node, key, conditions, sources)
    for node in graph.walk():
        _check_rows(node, "catch", tuple(_fits_all(row) for row in node.catch), sources)


def _check_rows(node: Node, key: str, conditions: tuple[Condition, ...], sources: Sources) -> None:
    for index, condition in enumerate(conditions[:-1]):
        if is_constant(condition, True):
            sources.add(
                "W202",
                node.id,
                (key, index + 1),
                f"this row of '{node.name}' is never reached: the one before it always holds",
                hint="put the row that always holds last",
            )
            break


def _fits_all(row: Catch) -> str:
    """Gives the condition of a row that takes errors of any type; a row that names types may not fit."""
    return "false" if row.errors else row.when or "true"


def check_loops(graph: Graph, flow: Flow, sources: Sources) -> None:
    """Reports loops whose constant condition never ends them and that nothing inside ends either."""
    for node in graph.walk():
        if not isinstance(node, Loop) or not never_stops(node) or node.on_limit == "continue":
            continue
        ends = flow.exits(node).jumps or any(isinstance(inner, Finish | Fail) for inner in walk(node.steps))
        if not ends and node.timeout is None:
            key = "while" if node.while_ is not None else "until"
            sources.add(
                "W203",
                node.id,
                (key,),
                f"loop '{node.name}' never ends: '{key}' is always {'true' if key == 'while' else 'false'}",
                hint="write a condition over the data, jump out of it, or set on_limit: continue",
            )
