"""The graph: the only thing that is executed, frozen, with a JSON form whose hash is its version.

A graph is a list of nodes in the order they run; edges are "the next of the list" and a decision's jumps, always
forward, so every list is a DAG. A container's lists are graphs of their own; `foreach` and `loop` own the body they
repeat. Everything is resolved here: ids are paths of names, durations are milliseconds (or a `${ … }` text that gives
one), retry policies are whole.
"""

from __future__ import annotations

from durable_dsl.graph.actions import (
    ONE_ATTEMPT,
    Action,
    Attempted,
    Call,
    Child,
    Emit,
    Http,
    Log,
    RetryPolicy,
    Set,
    Shell,
    Sql,
    Start,
    Use,
    may_read_secrets,
    templates_of,
)
from durable_dsl.graph.nodes import (
    COMPENSATE,
    BaseNode,
    Branch,
    Case,
    Catch,
    Choice,
    Compensation,
    Decision,
    Fail,
    Finish,
    Foreach,
    Group,
    Loop,
    Node,
    Parallel,
    Step,
    Wait,
    lists_of,
    walk,
)
from durable_dsl.graph.settings import CancelOn, Concurrency, Schedule
from durable_dsl.graph.values import END, Json, Milliseconds, Span
from durable_dsl.graph.waits import Ask, Awaited, Event, OnTimeout, templates_of_awaited
from durable_dsl.graph.whole import FORMAT, Graph, graph_from_json

__all__ = [
    "COMPENSATE",
    "END",
    "FORMAT",
    "ONE_ATTEMPT",
    "Action",
    "Ask",
    "Attempted",
    "Awaited",
    "BaseNode",
    "Branch",
    "Call",
    "CancelOn",
    "Case",
    "Catch",
    "Child",
    "Choice",
    "Compensation",
    "Concurrency",
    "Decision",
    "Emit",
    "Event",
    "Fail",
    "Finish",
    "Foreach",
    "Graph",
    "Group",
    "Http",
    "Json",
    "Log",
    "Loop",
    "Milliseconds",
    "Node",
    "OnTimeout",
    "Parallel",
    "RetryPolicy",
    "Schedule",
    "Set",
    "Shell",
    "Span",
    "Sql",
    "Start",
    "Step",
    "Use",
    "Wait",
    "graph_from_json",
    "lists_of",
    "may_read_secrets",
    "templates_of",
    "templates_of_awaited",
    "walk",
]
