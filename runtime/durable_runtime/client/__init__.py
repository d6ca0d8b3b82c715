"""Clients: whoever starts executions, asks for them and cancels them."""

from __future__ import annotations

from durable_runtime.client.async_durable import AsyncDurable
from durable_runtime.client.durable import Durable
from durable_runtime.client.executions import Execution, StepRecord
from durable_runtime.client.family import Family
from durable_runtime.client.progressing import Progress

__all__ = ["AsyncDurable", "Durable", "Execution", "Family", "Progress", "StepRecord"]
