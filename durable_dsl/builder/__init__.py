"""Workflows as a tree of Python calls: the same document that YAML gives, checked by the same reader."""

from __future__ import annotations

from durable_dsl.builder.data import Change, append, assign, increment, update
from durable_dsl.builder.nodes import (
    branch,
    case,
    catch,
    decision,
    fail,
    finish,
    foreach,
    group,
    loop,
    parallel,
    step,
    wait,
)
from durable_dsl.builder.spans import days, hours, minutes, seconds, weeks
from durable_dsl.builder.values import Condition, Draft, Duration, Function, Retry
from durable_dsl.builder.workflows import workflow, workflows_of

__all__ = [
    "Change",
    "Condition",
    "Draft",
    "Duration",
    "Function",
    "Retry",
    "append",
    "assign",
    "branch",
    "case",
    "catch",
    "days",
    "decision",
    "fail",
    "finish",
    "foreach",
    "group",
    "hours",
    "increment",
    "loop",
    "minutes",
    "parallel",
    "seconds",
    "step",
    "update",
    "wait",
    "weeks",
    "workflow",
    "workflows_of",
]
