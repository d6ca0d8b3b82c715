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

    captures = False

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let_go = asyncio.Event()
        self._ends: dict[str, asyncio.Event] = {}

    async def end(self, path: str) -> None:
        """Lets one attempt end, whether it has begun or not."""
        self._ends.setdefault(path, asyncio.Event()).set()
        await turns()

    def find(self, perform: Perform) -> Function:
        return Function(perform.function, lambda: None)

    async def perform(self, _function: Function, perform: Perform, _ctx: object) -> Success:
        self.begun.append(perform.path)
        end = asyncio.ensure_future(self._ends.setdefault(perform.path, asyncio.Event()).wait())
        all_end = asyncio.ensure_future(self.let_go.wait())
        _done, waiting = await asyncio.wait([end, all_end], return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        return Success({})


class HeldJournal:
    """Surroundings whose commits are answered by the test; the server cannot store what is named in `refuses`."""

    def __init__(self, refuses: dict[str, str] | None = None) -> None:
        self._refuses = refuses or {}
        self._work: set[asyncio.Task[None]] = set()
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

    def committed(self, outcome: Outcome = Outcome.COMMITTED) -> None:
        """Answers the commit that is in flight."""
        self._done.pop(0)(outcome, "")

    async def find_unstorable(self, _checkpoints: object) -> dict[str, str]:
        return self._refuses

    def read_inbox(self, _key: int) -> None:
        self.asked += 1

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._work.add(asyncio.get_running_loop().create_task(work))

    def uniform(self) -> float:
        return 0.5


ONE_STEP = "workflow: w\nsteps: [{step: s, call: shop.charge, with: {}}, {wait: rest, for: 1h}]\n"


def new_run(around: HeldJournal, document: str = ONE_STEP) -> Run:
    [graph] = compile_text(document)
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
        await turns()
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


BRANCHES = """
workflow: w
steps:
  - parallel: p
    on_error: complete_all
    branches:
      left: [{step: a, call: shop.charge, with: {}}, {step: a2, call: shop.charge, with: {}}]
      right: [{step: b, call: shop.charge, with: {}}]
"""


def test_what_follows_from_a_commit_runs_while_the_next_is_under_way() -> None:
    async def scenario() -> HeldJournal:
        around = HeldJournal()
        run = new_run(around, BRANCHES)
        run.begin()
        await around.performer.end("p/a")
        assert [paths(commit) for commit in around.commits] == [["p", "p/a"]]
        await around.performer.end("p/b")
        assert len(around.commits) == 1  # one at a time
        around.committed()
        await turns()
        # The outcome that came meanwhile is on its way, and the step after the first one runs.
        assert paths(around.commits[1]) == ["p/b"]
        assert around.performer.begun[-1] == "p/a2"
        await around.performer.end("p/a2")
        around.committed()
        await turns()
        return around

    around = asyncio.run(scenario())
    assert paths(around.commits[2]) == ["p/a2", "p"]
    numbers = [one.seq for commit in around.commits for one in commit.checkpoints]
    assert numbers == list(range(1, len(numbers) + 1))


ITEMS = """
workflow: w
steps:
  - foreach: each
    in: "[1, 2, 3]"
    concurrency: 3
    steps: [{step: s, call: shop.charge, with: {}}]
"""


def test_an_item_that_ends_during_a_commit_is_stored_by_the_next_though_nothing_follows_from_it() -> None:
    async def scenario() -> HeldJournal:
        around = HeldJournal()
        run = new_run(around, ITEMS)
        run.begin()
        await around.performer.end("each[0]/s")
        await around.performer.end("each[1]/s")
        await turns()
        assert [paths(commit) for commit in around.commits] == [["each", "each[0]/s"]]
        around.committed()
        await turns()
        return around

    around = asyncio.run(scenario())

    # The third item runs on, perhaps for hours.
    assert paths(around.commits[1]) == ["each[1]/s"]


def test_an_outcome_that_came_during_a_commit_that_cannot_be_stored_is_taken_in_again() -> None:
    async def scenario() -> HeldJournal:
        around = HeldJournal(refuses={"p/a": "no such value"})
        run = new_run(around, BRANCHES)
        run.begin()
        await around.performer.end("p/a")
        await around.performer.end("p/b")
        around.committed(Outcome.UNSTORABLE)
        await turns()
        return around

    around = asyncio.run(scenario())

    kinds = {one.path: one.kind for one in around.commits[1].checkpoints}
    assert kinds == {"p": "completed", "p/a": "failed", "p/b": "completed"}
    assert around.performer.begun == ["p/a", "p/b"]


def paths(commit: Commit) -> list[str]:
    return [one.path for one in commit.checkpoints]


async def turns() -> None:
    """Gives everything that is ready its turns."""
    for _ in range(20):
        await asyncio.sleep(0)
