"""A ledger of attempts, outside of the database: the witness that no finished step runs again.

With DURABLE_LEDGER set to a file, every step of the examples adds the line `execution node attempt` when it begins.
"""

from __future__ import annotations

import os

from durable_runtime import StepContext


def record(ctx: StepContext) -> None:
    """Adds the line of this attempt and returns once it is on the disk, so that a kill right after cannot undo it."""
    path = os.environ.get("DURABLE_LEDGER")
    if path is None:
        return
    # One write to a file opened for appending: lines of several workers never mix.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{ctx.execution_id} {ctx.node} {ctx.attempt}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
