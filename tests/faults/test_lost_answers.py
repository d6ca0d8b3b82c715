"""A commit whose answer never comes: nothing is lost and nothing is doubled, whatever became of it."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Commit, NewExecution, Outcome
from durable_runtime.store.seen import LogLine
from durable_runtime.worker.journal import Entry, Journal
from durable_runtime.worker.lease import Ownership
from tests.faults.proxy import Fault, proxied
from tests.faults.racing import EITHER_WAY
from tests.postgres import wait_until

AT = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=10)


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="durable-proxy-") as folder:
        yield Path(folder)


class Scene:
    """A journal whose only lane goes through a proxy, and three executions that it owns."""

    def __init__(self, journal: Journal, keys: list[int]) -> None:
        self.keys = keys
        self.outcomes: dict[int, list[Outcome]] = {key: [] for key in keys}
        self._journal = journal

    def submit(self, seq: int) -> None:
        for key in self.keys:
            checkpoint = Checkpoint(path=f"step_{seq}", kind="completed", seq=seq, result=key, finished_at=AT)
            self._submit(Commit(key=key, seen=0, checkpoints=[checkpoint]))

    def tell(self, *messages: str) -> None:
        for key in self.keys:
            lines = [
                LogLine(path="step", attempt=1, level="info", message=message, at=AT + timedelta(microseconds=number))
                for number, message in enumerate(messages)
            ]
            self._submit(Commit(key=key, seen=0, checkpoints=[], logs=tuple(lines)))

    def _submit(self, commit: Commit) -> None:
        def done(outcome: Outcome, _reason: str) -> None:
            self.outcomes[commit.key].append(outcome)

        self._journal.submit(commit, done)

    async def until_settled(self, count: int) -> None:
        async with asyncio.timeout(20):
            while any(len(outcomes) < count for outcomes in self.outcomes.values()):
                await asyncio.sleep(0.005)


async def make_scene(stack: AsyncExitStack, url: str, through: str, journal_class: type[Journal]) -> Scene:
    client = PostgresClientStore(url)
    stack.push_async_callback(client.close)
    definition_id = await client.save_definition("order", "v1", None, b'{"steps":[]}')
    await client.insert_executions(
        [
            NewExecution(
                public_id=f"00000000-0000-7000-8000-{number:012}",
                definition_id=definition_id,
                workflow="order",
                input=b"{}",
            )
            for number in range(3)
        ]
    )
    store = PostgresWorkerStore(through, lanes=1)
    stack.push_async_callback(store.close)
    lease = await store.register("worker", {"default": 10}, 1, LEASE)
    claimed = await store.claim(lease, "default", 10)
    journal = journal_class(store, Ownership(lease), 1)
    server = asyncio.create_task(journal.serve(0))
    stack.callback(server.cancel)
    scene = Scene(journal, [one.key for one in claimed])
    scene.submit(1)  # the connection is open and the statement prepared before anything goes wrong
    await scene.until_settled(1)
    return scene


def stored(url: str) -> list[tuple[int, int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select execution_id, seq, result::text from durable.checkpoint order by execution_id, seq"
        ).fetchall()


def waiting_for_a_lock(url: str) -> int:
    """Counts the statements of the lane that wait: the lost batch, and what its client does about it."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and application_name = 'durable lane 0' and wait_event_type = 'Lock'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("fault", [Fault.NEVER_SENT, Fault.NO_ANSWER])
def test_a_batch_without_an_answer_is_stored_exactly_once(database_url: str, socket_folder: Path, fault: Fault) -> None:
    async def scenario() -> Scene:
        async with AsyncExitStack() as stack:
            proxy, through = await stack.enter_async_context(proxied(database_url, socket_folder))
            scene = await make_scene(stack, database_url, through, Journal)
            proxy.arm("durable lane 0", fault)
            scene.submit(2)
            await scene.until_settled(2)
            assert proxy.struck.is_set()
            return scene

    scene = asyncio.run(scenario())
    assert scene.outcomes == {key: [Outcome.COMMITTED, Outcome.COMMITTED] for key in scene.keys}
    assert stored(database_url) == [(key, seq, str(key)) for key in scene.keys for seq in (1, 2)]


class BelievesNothingOfLines(Journal):
    """The guard taken out: lines alone are sent again, for no checkpoint tells that they are stored."""

    async def _told(self, entries: list[Entry]) -> set[int]:
        return set()


@pytest.mark.parametrize("fault", [Fault.NEVER_SENT, Fault.NO_ANSWER])
@EITHER_WAY
def test_lines_of_a_step_that_runs_are_stored_exactly_once(
    database_url: str, socket_folder: Path, fault: Fault, guarded: bool
) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            proxy, through = await stack.enter_async_context(proxied(database_url, socket_folder))
            scene = await make_scene(stack, database_url, through, Journal if guarded else BelievesNothingOfLines)
            proxy.arm("durable lane 0", fault, b"COMMIT\x00")
            scene.tell("half way", "nearly there")
            await scene.until_settled(2)
            assert proxy.struck.is_set()
            scene.tell("there")
            await scene.until_settled(3)

    asyncio.run(scenario())
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select message, count(*) from durable.log group by message").fetchall()
    twice = 3 if guarded or fault is Fault.NEVER_SENT else 6
    assert dict(rows) == {"half way": twice, "nearly there": twice, "there": 3}


class NoSelfFence(Journal):
    """The guard taken out: believes what it reads while the lost statement may still be running."""

    async def _reconcile(self, lane: int, entries: list[Entry]) -> list[Entry]:
        found = await self._store.read_stored(self._ownership.lease, [entry.commit.key for entry in entries])
        return [entry for entry in entries if found[entry.commit.key].last_seq < entry.commit.checkpoints[-1].seq]


async def cut_off_while_running(url: str, folder: Path, journal_class: type[Journal], ghost_commits: bool) -> Scene:
    """The batch waits for a lock on the server while its client is cut off; then it goes on, or is ended."""
    async with AsyncExitStack() as stack:
        proxy, through = await stack.enter_async_context(proxied(url, folder))
        scene = await make_scene(stack, url, through, journal_class)
        stranger = stack.enter_context(psycopg.connect(url))
        stranger.execute("lock table durable.checkpoint in exclusive mode")
        proxy.arm("durable lane 0", Fault.GHOST)
        scene.submit(2)
        await asyncio.wait_for(proxy.struck.wait(), 10)
        await asyncio.to_thread(wait_until, lambda: waiting_for_a_lock(url) >= 1, "the lost batch waits for the lock")
        with psycopg.connect(url, autocommit=True) as other:
            await asyncio.to_thread(
                wait_until, lambda: waiting_for_a_lock(url) >= 2, "the client that was cut off waits for its lost batch"
            )
            waiting = other.execute(
                "select pid from pg_stat_activity where datname = current_database() and application_name = %s "
                "and wait_event_type = 'Lock' order by backend_start",
                ("durable lane 0",),
            ).fetchall()
            (ghost,), *later = waiting
            if not ghost_commits:
                other.execute("select pg_terminate_backend(%s)", (ghost,))
            if journal_class is NoSelfFence:
                # Both batches wait for the same lock, and which the server lets in first is chance: the later one is
                # stopped until the lost one is stored.
                with stopped([pid for (pid,) in later]):
                    stranger.rollback()
                    await asyncio.to_thread(wait_until, lambda: len(stored(url)) == 6, "the lost batch is stored")
        stranger.rollback()
        await scene.until_settled(2)
        return scene


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Stops processes for as long as the block runs."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "ghost_commits", [True, False], ids=["the lost batch commits", "the lost batch is rolled back"]
)
def test_a_batch_that_still_runs_when_its_client_is_cut_off_is_stored_exactly_once(
    database_url: str, socket_folder: Path, ghost_commits: bool
) -> None:
    scene = asyncio.run(cut_off_while_running(database_url, socket_folder, Journal, ghost_commits))

    assert scene.outcomes == {key: [Outcome.COMMITTED, Outcome.COMMITTED] for key in scene.keys}
    assert stored(database_url) == [(key, seq, str(key)) for key in scene.keys for seq in (1, 2)]


def test_without_the_self_fence_a_stored_batch_is_taken_for_refused(database_url: str, socket_folder: Path) -> None:
    scene = asyncio.run(cut_off_while_running(database_url, socket_folder, NoSelfFence, ghost_commits=True))

    assert stored(database_url) == [(key, seq, str(key)) for key in scene.keys for seq in (1, 2)]
    assert scene.outcomes == {key: [Outcome.COMMITTED, Outcome.UNSTORABLE] for key in scene.keys}
