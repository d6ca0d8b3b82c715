"""What makes a workflow happen: it is started, executed, checkpointed and resumed on Postgres.

Names are imported when they are first used, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from durable_runtime.actions import ContextMisuse, Fatal, OrderChanged, Retry, StepContext, StepFailed
    from durable_runtime.client import AsyncDurable, Durable, Execution, Family, Progress, StepRecord
    from durable_runtime.errors import (
        DatabaseUnavailable,
        DurableError,
        ExecutionCancelled,
        ExecutionFailed,
        HistoryPruned,
        InvalidAnswer,
        InvalidInput,
        InvalidOption,
        KeyConflict,
        LeaseLost,
        ResultTimeout,
        SchemaMismatch,
        UnknownExecution,
        UnknownValue,
        UnknownWait,
        UnknownWorkflow,
        UnsupportedWorkflow,
        WrongStatus,
    )
    from durable_runtime.store.seen import LogLine, PendingWait, PublishedValue, WorkerRow
    from durable_runtime.store.streams import StreamItem
    from durable_runtime.worker import Worker, WorkerReport

_HOMES = {
    "actions": ("ContextMisuse", "Fatal", "OrderChanged", "Retry", "StepContext", "StepFailed"),
    "client": ("AsyncDurable", "Durable", "Execution", "Family", "Progress", "StepRecord"),
    "errors": (
        "DatabaseUnavailable", "DurableError", "ExecutionCancelled", "ExecutionFailed", "HistoryPruned",
        "InvalidAnswer", "InvalidInput", "InvalidOption", "KeyConflict", "LeaseLost", "ResultTimeout", "SchemaMismatch",
        "UnknownExecution", "UnknownValue", "UnknownWait", "UnknownWorkflow", "UnsupportedWorkflow", "WrongStatus",
    ),
    "store.seen": ("LogLine", "PendingWait", "PublishedValue", "WorkerRow"),
    "store.streams": ("StreamItem",),
    "worker": ("Worker", "WorkerReport"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncDurable",
    "ContextMisuse",
    "DatabaseUnavailable",
    "Durable",
    "DurableError",
    "Execution",
    "ExecutionCancelled",
    "ExecutionFailed",
    "Family",
    "Fatal",
    "HistoryPruned",
    "InvalidAnswer",
    "InvalidInput",
    "InvalidOption",
    "KeyConflict",
    "LeaseLost",
    "LogLine",
    "OrderChanged",
    "PendingWait",
    "Progress",
    "PublishedValue",
    "ResultTimeout",
    "Retry",
    "SchemaMismatch",
    "StepContext",
    "StepFailed",
    "StepRecord",
    "StreamItem",
    "UnknownExecution",
    "UnknownValue",
    "UnknownWait",
    "UnknownWorkflow",
    "UnsupportedWorkflow",
    "Worker",
    "WorkerReport",
    "WorkerRow",
    "WrongStatus",
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
