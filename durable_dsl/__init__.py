"""What a workflow is: documents, graphs, expressions, checks and drawings, without a database, a clock or a network.

Names are imported when they are first used: a program that only prints its help need not load a YAML parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from durable_dsl.builder import (
        Retry,
        append,
        assign,
        branch,
        case,
        catch,
        days,
        decision,
        fail,
        finish,
        foreach,
        group,
        hours,
        increment,
        loop,
        minutes,
        parallel,
        seconds,
        step,
        update,
        wait,
        weeks,
        workflow,
        workflows_of,
    )
    from durable_dsl.document import Workflow
    from durable_dsl.durations import DurationError, format_duration, parse_duration
    from durable_dsl.errors import DslError, Position, Problem
    from durable_dsl.graph import Graph, graph_from_json
    from durable_dsl.loader import load, load_document
    from durable_dsl.pipeline import check, check_text, compile, compile_text, load_graphs

_HOMES = {
    "builder": (
        "Retry", "append", "assign", "branch", "case", "catch", "days", "decision", "fail", "finish", "foreach",
        "group", "hours", "increment", "loop", "minutes", "parallel", "seconds", "step", "update", "wait",
        "weeks", "workflow", "workflows_of",
    ),
    "document": ("Workflow",),
    "durations": ("DurationError", "format_duration", "parse_duration"),
    "errors": ("DslError", "Position", "Problem"),
    "graph": ("Graph", "graph_from_json"),
    "loader": ("load", "load_document"),
    "pipeline": ("check", "check_text", "compile", "compile_text", "load_graphs"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DslError",
    "DurationError",
    "Graph",
    "Position",
    "Problem",
    "Retry",
    "Workflow",
    "append",
    "assign",
    "branch",
    "case",
    "catch",
    "check",
    "check_text",
    "compile",
    "compile_text",
    "days",
    "decision",
    "fail",
    "finish",
    "foreach",
    "format_duration",
    "graph_from_json",
    "group",
    "hours",
    "increment",
    "load",
    "load_document",
    "load_graphs",
    "loop",
    "minutes",
    "parallel",
    "parse_duration",
    "seconds",
    "step",
    "update",
    "wait",
    "weeks",
    "workflow",
    "workflows_of",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
