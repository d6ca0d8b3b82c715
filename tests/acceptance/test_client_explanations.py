"""Every sentence that tells why an execution is where it is, and how far it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from durable_dsl import Graph
from durable_runtime import AsyncDurable, StepContext, UnknownExecution
from durable_runtime.store.postgres_worker import PostgresWorkerStore
from durable_runtime.store.protocol import Lease
from tests.acceptance.clients import BREAK, GREET, REST, graph, query, run, work

ADA = {"name": "Ada"}
HERE = "tests.acceptance.test_client_explanations"
UNDONE = f"""
workflow: w
steps:
  - step: a
    call: {HERE}.nothing
    compensate: {{{{call: {HERE}.{{}}, with: {{{{}}}}}}}}
  - fail: no
"""


async def broken() -> None:
    raise RuntimeError("not well")


async def nothing() -> None:
    return None


async def sleeps(ctx: StepContext) -> None:
    await ctx.sleep("rest", "1h")


async def explained(durable: AsyncDurable, id: str) -> str:
    return "; ".join(await durable.explain(id))


async def after_a_run(url: str, workflow: Graph, *, status: str = "waiting") -> str:
    """Starts a workflow, runs it as far as it goes now, and explains it."""
    async with AsyncDurable(url) as durable:
        id = await durable.start(workflow)
        worker = durable.worker()
        working = asyncio.create_task(worker.run())
        while (await durable.get_execution(id)).status != status:
            await asyncio.sleep(0.01)
        worker.stop()
        await working
        return await explained(durable, id)


async def registered(url: str, queues: dict[str, int]) -> tuple[PostgresWorkerStore, Lease]:
    store = PostgresWorkerStore(url)
    return store, await store.register("alpha", queues, 2, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("workflow", "status", "sentence"),
    [
        (GREET, "completed", "it completed at 20"),
        (BREAK, "failed", "UTC at the node 'outer/refuse': CardDeclined: no money; a retry lets it go on from there"),
        (
            graph(UNDONE.format("nothing")),
            "compensated",
            ", and what it had completed was undone, at 20",
        ),
        (
            graph(UNDONE.format("broken")),
            "compensation_failed",
            ", and what it had completed was undone in part, at 20",
        ),
    ],
)  # fmt: skip
def test_an_end(database_url: str, workflow: Graph, status: str, sentence: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(workflow, ADA if workflow is GREET else None)
            await work(durable)
            assert (await durable.get_execution(id)).status == status
            assert sentence in await explained(durable, id)

    run(story())


def test_a_cancel_asked_for_and_done(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            await durable.cancel(id, "not wanted", by="ann")
            assert "it is being cancelled" in await explained(durable, id)
            await work(durable)
            said = await explained(durable, id)
            assert said.startswith("it was cancelled at 20")
            assert said.endswith(" by ann: not wanted")

    run(story())


def test_a_pause_asked_for_and_done_and_a_resume_asked_for(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            await durable.pause(id, "the bank is closed", by="ann")
            assert await explained(durable, id) == "it is to be paused, which its worker has yet to see"
            await work(durable)
            said = await explained(durable, id)
            assert said.startswith("it was paused by ann at 20")
            assert said.endswith(": the bank is closed")
            await durable.resume(id)
            assert (await explained(durable, id)).endswith("it is to be resumed, which its worker has yet to see")

    run(story())


def test_a_schedule(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            at = datetime(2099, 5, 17, 12, tzinfo=UTC)
            id = await durable.start(REST, scheduled_at=at)
            assert await explained(durable, id) == "it is scheduled to begin at 2099-05-17 12:00:00 UTC"

    run(story())


def test_a_queue_without_workers_with_others_with_room_and_full(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            first = await durable.start(REST, queue="mails")
            id = await durable.start(REST, queue="mails")
            none = "it waits in the queue 'mails', and no worker is running: start one with `durable worker`"
            assert await explained(durable, id) == none
            other, _lease = await registered(database_url, {"orders": 3})
            others = "it waits in the queue 'mails', and none of the 1 workers that are running serves it"
            assert await explained(durable, id) == others
            store, lease = await registered(database_url, {"mails": 1})
            room = "it waits in the queue 'mails' with 1 before it, and a worker that has room takes it"
            assert await explained(durable, id) == room
            assert [one.id for one in await store.claim(lease, "mails", 1)] == [first]
            full = "it waits in the queue 'mails', which is full: 1 of 1 run, and 0 are before it"
            assert await explained(durable, id) == full
            third, _lease = await registered(database_url, {})
            assert "a worker that has room takes it" in await explained(durable, id)
            query(database_url, f"update durable.execution set recoveries = 4 where public_id = '{id}' returning 1")
            assert "were lost 4 times in a row, so it waits for one that runs nothing else" in await explained(
                durable, id
            )
            for each in (other, store, third):
                await each.close()

    run(story())


def test_a_worker_that_has_it_and_one_that_was_lost(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            store, lease = await registered(database_url, {})
            await store.claim(lease, "default", 1)
            said = await explained(durable, id)
            assert said.startswith("the worker alpha has it; 'before' runs, ")
            assert said.endswith(" s after what was stored last")
            query(database_url, "update durable.worker set expires_at = now() - interval '1 s' returning 1")
            assert await explained(durable, id) == "its worker alpha was lost; another one takes it over within seconds"
            query(database_url, "delete from durable.worker returning 1")
            assert await explained(durable, id) == "its worker was lost; another one takes it over within seconds"
            await store.close()

    run(story())


def test_a_row_that_a_stranger_holds(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            with psycopg.connect(database_url) as stranger:
                stranger.execute("select from durable.execution for update")
                assert "another transaction holds its row" in await explained(durable, id)
            assert "another transaction" not in await explained(durable, id)

    run(story())


@pytest.mark.parametrize(
    ("steps", "sentences"),
    [
        ("[{wait: nap, for: 1h}]", ["'nap' waits until 20"]),
        ("[{wait: nap, for: 2h, timeout: 1h}]", ["'nap' waits until 20", ", when it times out"]),
        (
            f"[{{step: a, call: {HERE}.broken, retry: {{max_attempts: 3, delay: 1h}}}}]",
            ["'a' failed with RuntimeError: not well; attempt 2 begins at 20"],
        ),
        (f"[{{step: a, call: {HERE}.sleeps}}]", ["'a/rest' waits until 20"]),
        (
            "[{loop: poll, until: iteration == 5, every: 1h, steps: [{step: a, set: {x: 1}}]}]",
            ["turn 2 of 'poll' begins at 20"],
        ),
        (f"[{{step: a, call: {HERE}.gone}}]", [f"no worker has the function {HERE}.gone of the node 'a'; workers are"]),
        ("[{wait: paid, event: payment}]", ["'paid' waits for the event 'payment' since 20"]),
        (
            "[{wait: ok, ask: approval, prompt: 'Shall we?', timeout: 2h}]",
            ["'ok' waits for an answer (Shall we?) since 20", ", until 20"],
        ),
        (
            "[{wait: either, any: {paid: {event: payment}, late: {for: 2h}}}]",
            ["'either' waits for the event 'payment' and the time 20"],
        ),
        (
            "[{foreach: each, in: '[1, 2, 3, 4, 5, 6, 7]', concurrency: 7, steps: [{wait: nap, for: 1h}]}]",
            ["'each[4]/nap' waits until 20", "and 2 more"],
        ),
    ],
)  # fmt: skip
def test_what_a_node_waits_for(database_url: str, steps: str, sentences: list[str]) -> None:
    said = run(after_a_run(database_url, graph(f"workflow: w\nsteps: {steps}")))
    assert [sentence for sentence in sentences if sentence not in said] == [], said


def test_an_event_that_lies_there_because_nobody_can_tell_whether_it_fits(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(graph("workflow: w\nsteps: [{wait: paid, event: e, where: event.cents > 1}]"))
            await durable.send_event(id, "e", {"amount": 1})
            await work(durable)
            waits, misfit = await durable.explain(id)
            assert waits.startswith("'paid' waits for the event 'e' since 20")
            told = "the event 'e' counts as not fitting 'paid', for its condition cannot be evaluated: "
            assert misfit.startswith(told)
            [line] = await durable.get_logs(id, level="warning")
            assert line.message.startswith(told)

    run(story())


def test_a_timeout_of_the_execution_and_a_child_that_runs(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            await durable.start(REST)
            said = await after_a_run(
                database_url, graph("workflow: w\ntimeout: 2h\nsteps: [{step: sub, workflow: rest}]")
            )
            [child] = [each.id for each in await durable.list_executions() if each.id in said]
            assert f"'sub' waits for the execution {child} since 20" in said
            assert "its timeout is at 20" in said

    run(story())


def test_a_history_that_no_worker_can_read(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(REST)
            query(
                database_url,
                "insert into durable.wait (execution_id, path, kind, due_at) "
                "select id, '', 'defer', now() + interval '15 s' from durable.execution returning 1",
            )
            query(database_url, "update durable.execution set status = 'waiting', started_at = now() returning 1")
            assert (
                "no worker could read its definition or its history; workers are asked again at 20"
                in await explained(durable, id)
            )

    run(story())


def test_progress_counts_nodes_items_and_turns(database_url: str) -> None:
    flow = graph("""
workflow: w
steps:
  - step: first
    set: {x: 1}
  - foreach: each
    in: "[1, 2, 3]"
    concurrency: 1
    steps:
      - wait: nap
        for: 1ms
        when: index < 2
      - wait: rest
        for: 1h
        when: index == 2
  - step: last
    set: {x: 2}
""")

    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(flow)
            assert ((await durable.progress(id)).done, (await durable.progress(id)).fraction) == (0, 0.0)
            worker = durable.worker()
            working = asyncio.create_task(worker.run())
            while (await durable.progress(id)).items.get("each") != (2, 3):
                await asyncio.sleep(0.01)
            found = await durable.progress(id)
            assert (found.total, found.turns) == (5, {})
            assert 1 <= found.done < 5
            await durable.set_result(id, "each[2]/rest", None) if await _is_open(durable, id) else None
            await durable.result(id, timeout=30)
            worker.stop()
            await working
            found = await durable.progress(id)
            assert (found.done, found.total, found.fraction, found.items) == (5, 5, 1.0, {"each": (3, 3)})

    run(story())


async def _is_open(durable: AsyncDurable, id: str) -> bool:
    while not any("each[2]/rest" in said for said in await durable.explain(id)):
        await asyncio.sleep(0.01)
    return True


def test_nobody_is_unknown(database_url: str) -> None:
    async def story() -> None:
        async with AsyncDurable(database_url) as durable:
            asks: list[Any] = [durable.explain, durable.progress, durable.get_logs, durable.get_steps]
            for ask in asks:
                with pytest.raises(UnknownExecution):
                    await ask("42")

    run(story())
