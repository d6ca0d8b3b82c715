"""What a step's function can ask of the engine, by taking a parameter named `ctx`."""

from __future__ import annotations

import uuid

from durable_runtime.core.commands import Perform

_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class StepContext:
    """The place of one attempt: which execution, which instance, which attempt.

    `idempotency_key` is the same for every attempt of an instance and differs between instances: hand it to services
    that can tell a repeated request from a new one. `error` is the error for which a step is undone; None elsewhere.
    """

    __slots__ = ("_cancelled", "attempt", "error", "execution_id", "node")

    def __init__(self, execution_id: str, perform: Perform) -> None:
        self.execution_id = execution_id
        self.node = perform.path
        self.attempt = perform.attempt
        self.error = perform.error
        self._cancelled = False

    @property
    def idempotency_key(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.execution_id}/{self.node}"))

    @property
    def is_cancelled(self) -> bool:
        """True once nobody wants this attempt's result any more.

        A plain function should look now and then; an async one is cancelled.
        """
        return self._cancelled

    def cancel(self) -> None:
        self._cancelled = True
