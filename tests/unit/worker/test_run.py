"""One run between a journal and a performer that answer when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from durable_dsl import compile_text
from durable_runtime.actions.functions import Function
from durable_runtime.core.commands import Perform
from durable_runtime.core.outcomes import Success
from durable_runtime.core.program import Program
from durable_runtime.core.starting import initial_state
from durable_runtime.store.protocol import Claimed, Commit, Inbox, Outcome, Suspend
from durable_runtime.testing import FakeClock
from durable_runtime.worker.attempts import Ended
from durable_runtime.worker.resuming import Resumed
from durable_runtime.worker.run import Run
from durable_runtime.worker.snapshots import EVERY, Snapshots
from durable_runtime.worker.surroundings import Surroundings

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class HeldPerformer:
    """Makes attempts that end when they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let_go = asyncio.Event()

    def find(self, perform: Perform) -> Function:
        return Function(perform.function, lambda: None)

    async def perform(self, _function: Function, perform: Perform, _ctx: object) -> Success:
        self.begun.append(perform.path)
        await self.let_go.wait()
        return Success({})


class HeldJournal:
    """Surroundings whose commits are answered by the test."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.performer = HeldPerformer()
        self.defer_for = timedelta(seconds=15)
        self.connections = None
        self.commits: list[Commit] = []
        self.asked = 0
        self._done: list[Callable[[Outcome, str], None]] = []

    def submit(self, commit: Commit, done: Callable[[Outcome, str], None], *_more: Any, **_named: Any) -> object:
        self.commits.append(commit)
        self._done.append(done)
        return commit

    def committed(self) -> None:
        """Answers the commit that is in flight."""
        self._done.pop(0)(Outcome.COMMITTED, "")

    def read_inbox(self, _key: int) -> None:
        self.asked += 1

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        raise AssertionError(f"nothing here has work in the background: {work}")

    def uniform(self) -> float:
        return 0.5


def new_run(around: HeldJournal) -> Run:
    [graph] = compile_text("workflow: w\nsteps: [{step: s, call: shop.charge, with: {}}, {wait: rest, for: 1h}]\n")
    program = Program(graph)
    named: dict[str, Any] = {"id": "x", "workflow": "w", "queue": "default", "input": {}, "started_at": NOW}
    state = initial_state(program, scheduled_at=None, **named)
    claimed = Claimed(
        key=1, definition_id=1, signal=0, recoveries=0, created_at=NOW, scheduled_at=None, fresh=True, **named
    )
    return Run(
        claimed,
        program,
        Resumed(state, Snapshots(program, None, EVERY)),
        cast(Surroundings, around),
        lambda _run, _status: None,
    )


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "something else commits with it"])
def test_a_request_between_an_outcome_and_its_commit_does_not_begin_the_step_again(
    monkeypatch: pytest.MonkeyPatch, is_plain: bool
) -> None:
    monkeypatch.setattr(Ended, "is_plain", is_plain)

    async def scenario() -> HeldJournal:
        around = HeldJournal()
        run = new_run(around)
        run.begin()
        await asyncio.sleep(0)
        run.apply(Inbox(1, ((1, "resume", {}),)))  # says nothing new, and is committed with its signal
        around.performer.let_go.set()
        for _ in range(5):
            await asyncio.sleep(0)
        run.apply(Inbox(2, ((2, "resume", {}),)))  # a commit is in flight: it is read again after that
        around.committed()
        assert around.asked == 1
        # The step's outcome is there; unless it is plain, it is not in the state yet.
        run.apply(Inbox(2, ((2, "resume", {}),)))
        around.committed()
        if not is_plain:
            around.committed()
        await asyncio.sleep(0)
        return around

    around = asyncio.run(scenario())

    assert around.performer.begun == ["s"]
    assert [commit.path for commit in around.commits[-1].checkpoints] == ["s", "rest"]
    assert isinstance(around.commits[-1].move, Suspend)
