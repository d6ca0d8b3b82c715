"""The errors of the runtime. Few and flat; the message says what happened, where, and what to do."""

from __future__ import annotations

from typing import Any


class DurableError(Exception):
    """Anything durable-dsl raises on purpose."""


class DatabaseUnavailable(DurableError):
    """The database cannot be reached, or went away and did not come back in time."""


class SchemaMismatch(DurableError):
    """The database's schema is missing, older or newer than this release needs."""


class UnknownExecution(DurableError):
    """There is no execution with this id."""


class UnknownWorkflow(DurableError):
    """There is no workflow of this name in the module, the file or the database."""


class UnsupportedWorkflow(DurableError):
    """The workflow uses parts of the language that this release does not execute. `problems` lists every one."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InvalidInput(DurableError):
    """The input does not fit the workflow's `input` schema, or cannot be stored. `problems` lists every reason."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InvalidAnswer(DurableError):
    """The value is no answer to what is asked. `problems` lists every reason."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class UnknownWait(DurableError):
    """The execution has no such wait open (any more), or several to which the name fits."""


class UnknownValue(DurableError):
    """The execution has ended and published no value of this name."""


class InvalidOption(DurableError):
    """An option has a value that it cannot have."""


class KeyConflict(DurableError):
    """The workflow has an execution with this key already, and the start was to be rejected then; `ids` are theirs."""

    def __init__(self, message: str, ids: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.ids = ids


class WrongStatus(DurableError):
    """The execution's status does not allow this."""


class HistoryPruned(DurableError):
    """This goes back to before the history that is left of an execution whose loops keep only their last turns."""


class ExecutionFailed(DurableError):
    """`result` was asked of an execution that failed; `error` is its error as JSON."""

    def __init__(self, message: str, error: Any = None) -> None:
        super().__init__(message)
        self.error = error


class ExecutionCancelled(ExecutionFailed):
    """`result` was asked of an execution that was cancelled."""


class ResultTimeout(DurableError):
    """The execution did not end in the time that `result` was given, or publish a value in that of `get_value`."""


class LeaseLost(DurableError):
    """This worker's lease ran out and its executions were taken over; nothing it holds may be written any more."""
