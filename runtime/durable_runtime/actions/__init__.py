"""Actions: the only place where user code and the outside world are touched."""

from __future__ import annotations

from durable_runtime.actions.arguments import ContextMisuse
from durable_runtime.actions.context import StepContext
from durable_runtime.actions.order import OrderChanged
from durable_runtime.actions.outcome import Fatal, Retry, StepFailed

__all__ = ["ContextMisuse", "Fatal", "OrderChanged", "Retry", "StepContext", "StepFailed"]
