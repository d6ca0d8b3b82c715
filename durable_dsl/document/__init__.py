"""The typed document: what a person wrote, before anything is resolved.

YAML and Python build exactly these values. Texts stay as written (durations, conditions, templates); the compiler gives
them meaning. `at` is where a thing stands in its file; it takes no part in equality, so the same workflow written twice
is equal.
"""

from __future__ import annotations

from durable_dsl.document.actions import (
    Action,
    Call,
    Child,
    Emit,
    Http,
    Log,
    Method,
    Publish,
    Set,
    Shell,
    Sql,
    Start,
    Use,
)
from durable_dsl.document.nodes import (
    Backoff,
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
    Retry,
    Step,
    Wait,
    lists_of,
)
from durable_dsl.document.paths import LocatedNode, locate_nodes
from durable_dsl.document.settings import CancelOn, Concurrency, Schedule
from durable_dsl.document.values import UNSET, Condition, Function, Json, Unset
from durable_dsl.document.waits import Ask, AskKind, Awaited, Event, OnTimeout
from durable_dsl.document.workflow import Defaults, Workflow

__all__ = [
    "UNSET",
    "Action",
    "Ask",
    "AskKind",
    "Awaited",
    "Backoff",
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
    "Condition",
    "Decision",
    "Defaults",
    "Emit",
    "Event",
    "Fail",
    "Finish",
    "Foreach",
    "Function",
    "Group",
    "Http",
    "Json",
    "LocatedNode",
    "Log",
    "Loop",
    "Method",
    "Node",
    "OnTimeout",
    "Parallel",
    "Publish",
    "Retry",
    "Schedule",
    "Set",
    "Shell",
    "Sql",
    "Start",
    "Step",
    "Unset",
    "Use",
    "Wait",
    "Workflow",
    "lists_of",
    "locate_nodes",
]
