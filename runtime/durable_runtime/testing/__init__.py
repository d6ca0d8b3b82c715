"""For tests of workflows and of the engine: simulated executions, a store in memory, a clock that is moved by hand."""

from __future__ import annotations

from durable_runtime.testing.clock import FakeClock
from durable_runtime.testing.memory import MemoryStore
from durable_runtime.testing.mocks import Called
from durable_runtime.testing.outside import Answer, Event
from durable_runtime.testing.simulation import SimulationResult, simulate
from durable_runtime.testing.tables import Fault
from durable_runtime.testing.virtual_time import NothingLeft, VirtualTimeLoop

__all__ = [
    "Answer",
    "Called",
    "Event",
    "FakeClock",
    "Fault",
    "MemoryStore",
    "NothingLeft",
    "SimulationResult",
    "VirtualTimeLoop",
    "simulate",
]
