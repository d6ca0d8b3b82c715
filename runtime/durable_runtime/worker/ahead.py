"""The state of an execution as it was evolved, ahead of what is stored, and what makes it so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Keys
from durable_runtime.core.collecting import KnownResults
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import Pass, settle
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State
from durable_runtime.worker.alarm import Alarm
from durable_runtime.worker.unsent import Unsent


class Ahead:
    """Evolves a state and puts every checkpoint that it takes to what is unsent."""

    def __init__(self, program: Program, state: State, unsent: Unsent, alarm: Alarm) -> None:
        self.program = program
        self.state = state
        self._stored = self._sent = state
        self._first_seq = state.seq
        self._known = KnownResults()
        self._unsent = unsent
        self._alarm = alarm

    @property
    def has_progressed(self) -> bool:
        """True once a new checkpoint is stored."""
        return self._stored.seq > self._first_seq

    def take(self, checkpoint: Checkpoint, chain: list[Frame] | None) -> tuple[Keys, ...]:
        """Takes what happened into the state, down this chain if it is known; gives what was touched."""
        self.state, touched = evolve(self.program, self.state, checkpoint, chain)
        numbered = checkpoint if checkpoint.seq else msgspec.structs.replace(checkpoint, seq=self.state.seq)
        self._unsent.checkpoints.append(numbered)
        self._known.add(numbered)
        self._alarm.is_needed |= checkpoint.due_at is not None
        return touched

    def replace(self, state: State, checkpoints: list[Checkpoint]) -> None:
        """Takes a state that was evolved elsewhere, with the checkpoints that led to it."""
        self.state = state
        self._unsent.checkpoints.extend(checkpoints)
        self._alarm.look_at(state)

    def settle(self, touched: Sequence[Keys] | None, now: datetime) -> Pass:
        """Computes what follows from what was touched; None looks at everything."""
        result = settle(self.program, self.state, touched, now, self._known)
        self.state = result.state
        self._unsent.add(result.checkpoints)
        self._alarm.is_needed |= result.has_timers
        return result

    def sent(self) -> None:
        """Everything up to here is on its way."""
        self._sent = self.state

    def stored(self) -> None:
        """What was sent last is stored."""
        self._stored = self._sent

    def go_back(self) -> None:
        """Goes back to what is stored."""
        self.state = self._stored
