"""Actions: the only place where user code and the outside world are touched."""

from __future__ import annotations

from durable_runtime.actions.context import StepContext
from durable_runtime.actions.outcome import Fatal, Retry

__all__ = ["Fatal", "Retry", "StepContext"]
