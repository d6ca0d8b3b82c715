"""The typed document: what a person wrote, before anything is resolved.

YAML and Python build exactly these values. Texts stay as written (durations, conditions, templates); the compiler gives
them meaning. `at` is where a thing stands in its file; it takes no part in equality, so the same workflow written twice
is equal.
"""

from __future__ import annotations

from durable_dsl.document.nodes import (
    UNSET,
    Action,
    Backoff,
    BaseNode,
    Branch,
    Call,
    Case,
    Catch,
    Choice,
    Decision,
    Fail,
    Finish,
    Foreach,
    Group,
    Json,
    Log,
    Loop,
    Node,
    Parallel,
    Retry,
    Set,
    Step,
    Unset,
    Wait,
    lists_of,
)
from durable_dsl.document.paths import LocatedNode, locate_nodes
from durable_dsl.document.workflow import Defaults, Workflow

__all__ = [
    "UNSET",
    "Action",
    "Backoff",
    "BaseNode",
    "Branch",
    "Call",
    "Case",
    "Catch",
    "Choice",
    "Decision",
    "Defaults",
    "Fail",
    "Finish",
    "Foreach",
    "Group",
    "Json",
    "LocatedNode",
    "Log",
    "Loop",
    "Node",
    "Parallel",
    "Retry",
    "Set",
    "Step",
    "Unset",
    "Wait",
    "Workflow",
    "lists_of",
    "locate_nodes",
]
