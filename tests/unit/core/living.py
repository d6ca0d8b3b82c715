"""One execution, moved by hand: what it asks for, what comes of it, what others ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from durable_dsl import compile_text
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.commands import Finish
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import Pass, fold, settle
from durable_runtime.core.outcomes import Failure, Success, settle_attempt
from durable_runtime.core.program import Program
from durable_runtime.core.requests import answer_to
from durable_runtime.core.rewinding import Past, rewind
from durable_runtime.core.starting import initial_state
from durable_runtime.core.state import chain_to

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Life:
    """One execution."""

    def __init__(self, steps: str, head: str = "", scheduled_at: datetime | None = None) -> None:
        [graph] = compile_text(f"workflow: flow\n{head}\nsteps:\n{steps}")
        self.program = Program(graph)
        self.start = initial_state(
            self.program, id="1", workflow="flow", queue="default", input={}, started_at=NOON, scheduled_at=scheduled_at
        )
        self.state = self.start
        self.history: list[Checkpoint] = []
        self.finish: Finish | None = None

    def look(self, at: datetime = NOON) -> Pass:
        done = settle(self.program, self.state, None, at)
        self.state = done.state
        self.history += done.checkpoints
        return done

    def begun(self, at: datetime = NOON) -> list[str]:
        return [perform.path for perform in self.look(at).performs]

    def add(self, checkpoint: Checkpoint | None) -> None:
        assert checkpoint is not None
        self.state, _touched = evolve(self.program, self.state, checkpoint)
        self.history.append(msgspec.structs.replace(checkpoint, seq=self.state.seq))

    def ask(self, kind: str, payload: Any = None, at: datetime = NOON) -> bool:
        checkpoint = answer_to(self.program, self.state, kind, payload, at)
        if checkpoint is not None:
            self.add(checkpoint)
        return checkpoint is not None

    def retry(self, payload: Any = None, at: datetime = NOON) -> None:
        """Takes its failure back."""
        checkpoint, self.state = rewind(self.program, Past(self.start, self.history), payload or {}, at)
        self.history.append(checkpoint)
        assert fold(self.program, self.start, self.history) == self.state

    def run(
        self,
        at: datetime = NOON,
        by_path: Mapping[str, Success | Failure] | None = None,
        **outcomes: Success | Failure,
    ) -> list[str]:
        """Ends what begins, as it is said here or well, until nothing begins any more; gives the order of the ends.

        Double underscores in a name stand for slashes.
        """
        told = {name.replace("__", "/"): outcome for name, outcome in outcomes.items()} | dict(by_path or {})
        order: list[str] = []
        while True:
            done = self.look(at)
            self.finish = done.finish
            if done.finish is not None or not done.performs:
                return order
            perform = done.performs[0]
            order.append(perform.path)
            self.end(perform.path, told.get(perform.path, Success(None)), perform.attempt, at)

    def end(self, path: str, outcome: Success | Failure, attempt: int = 1, at: datetime = NOON) -> None:
        keys = self.program.locate(path)
        self.add(
            settle_attempt(
                self.program, self.state, chain_to(self.state, keys), path, keys, attempt, outcome,
                started_at=at, at=at, uniform=0.5,
            )
        )  # fmt: skip
