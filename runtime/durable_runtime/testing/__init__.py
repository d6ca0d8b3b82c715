"""For tests of workflows and of the engine: a store in memory, and a clock that stands still until it is moved."""

from __future__ import annotations

from durable_runtime.testing.clock import FakeClock
from durable_runtime.testing.memory import MemoryStore
from durable_runtime.testing.tables import Fault

__all__ = ["FakeClock", "Fault", "MemoryStore"]
