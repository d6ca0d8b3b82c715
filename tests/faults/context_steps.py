"""Steps for tests of `ctx`: they write what they did into a ledger outside of the database, and die where told."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from durable_runtime import StepContext, StepFailed

told = threading.Event()
go_on = threading.Event()


def write_down(line: str) -> None:
    """Adds a line to the ledger, and kills this process the first time that the line is the one named for it."""
    with Path(os.environ["DURABLE_TEST_LEDGER"]).open("a", encoding="utf-8") as ledger:
        ledger.write(f"{line}\n")
    die_at(line)


def die_at(point: str) -> None:
    """Kills this process at the named point, once."""
    marker = Path(os.environ["DURABLE_TEST_LEDGER"]).with_suffix(".died")
    if os.environ.get("DURABLE_TEST_DIE_AT") == point and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), 9)
        time.sleep(60)


def work(value: object) -> object:
    write_down(f"work {value}")
    return value


def fragile(value: object) -> object:
    """Works once someone has mended what it needs: a file beside the ledger."""
    write_down(f"work {value}")
    if not Path(os.environ["DURABLE_TEST_LEDGER"]).with_suffix(".mended").exists():
        raise RuntimeError("not mended yet")
    return value


def undo(value: object) -> None:
    """Undoes the work of this value."""
    write_down(f"undo {value}")


async def async_work(value: object, ctx: StepContext) -> list[object]:
    write_down(f"async {value}")
    return [value, ctx.node, ctx.idempotency_key]


async def journey(n: int, ctx: StepContext) -> dict[str, Any]:
    """A whole workflow in one function."""
    write_down(f"enter {ctx.attempt}")
    ctx.log("sets out")
    first = await ctx.step("first", work, n)
    die_at("after first")
    await ctx.sleep("nap", "20ms")
    second = await ctx.step("second", async_work, n + 1)
    die_at("after second")
    third = await ctx.step("first", work, n + 2)
    die_at("after third")
    ctx.log("arrives", level="warning")
    return {"first": first, "second": second, "third": third, "random": ctx.random()}


def plain_journey(n: int, ctx: StepContext) -> list[object]:
    """The same as far as a plain function can."""
    write_down(f"enter {ctx.attempt}")
    first = ctx.step("first", work, n)
    die_at("after first")
    second = ctx.step("first", work, n + 1)
    die_at("after second")
    return [first, second]


def tells(ctx: StepContext) -> str:
    """Tells how far it is, and stays until it is let go."""
    ctx.log("half way", level="debug")
    ctx.heartbeat({"done": 1, "of": 2})
    told.set()
    go_on.wait(60)
    return "told"


def waits_in_a_call(ctx: StepContext) -> str:
    """Makes a call whose function stays until it is let go, and another one."""
    ctx.step("hold", _hold)
    ctx.step("after", write_down, "after")
    return "never"


def _hold() -> None:
    told.set()
    go_on.wait(60)


async def transfer(n: int, ctx: StepContext) -> str:
    """Writes into a table of the engine's own database, in two blocks of one transaction."""
    write_down(f"transfer {ctx.attempt}")
    async with ctx.connection() as connection:
        await connection.execute("insert into account (execution, what) values (%s, 'taken')", [ctx.execution_id])
    die_at("between the blocks")
    try:
        async with ctx.connection() as connection:
            await connection.execute("insert into account (execution, what) values (%s, 'undone')", [ctx.execution_id])
            raise KeyError("on purpose")
    except KeyError:
        pass
    async with ctx.connection() as connection:
        await connection.execute("insert into account (execution, what) values (%s, 'given')", [ctx.execution_id])
    die_at("behind the blocks")
    if ctx.attempt <= n:
        raise RuntimeError("after all was written")
    return "transferred"


def plain_transfer(n: int, ctx: StepContext) -> str:
    """The same as a plain function."""
    write_down(f"transfer {ctx.attempt}")
    with ctx.connection() as connection:
        connection.execute("insert into account (execution, what) values (%s, 'taken')", [ctx.execution_id])
    die_at("between the blocks")
    with ctx.connection() as connection:
        connection.execute("insert into account (execution, what) values (%s, 'given')", [ctx.execution_id])
    die_at("behind the blocks")
    if ctx.attempt <= n:
        raise RuntimeError("after all was written")
    return "transferred"


async def transfer_by_calls(n: int, ctx: StepContext) -> str:
    """One transaction for each call, and one for what stands between them."""

    async def take() -> None:
        async with ctx.connection() as connection:
            await connection.execute("insert into account (execution, what) values (%s, 'taken')", [ctx.execution_id])
        die_at("in the first call")

    def give() -> None:
        with ctx.connection() as connection:
            connection.execute("insert into account (execution, what) values (%s, 'given')", [ctx.execution_id])
        die_at("in the second call")

    async with ctx.connection() as connection:
        await connection.execute("insert into account (execution, what) values (%s, 'body')", [ctx.execution_id])
    await ctx.step("take", take)
    die_at("between the calls")
    await ctx.sleep("nap", "10ms")
    await ctx.step("give", give)
    die_at("behind the calls")
    return "transferred"


async def held_transfer(ctx: StepContext) -> str:
    """Writes, and stays in its transaction until it is let go."""
    write_down("transfer")
    async with ctx.connection() as connection:
        await connection.execute("insert into account (execution, what) values (%s, 'given')", [ctx.execution_id])
    told.set()
    while not go_on.is_set():
        await asyncio.sleep(0.002)
    return "transferred"


def takes_one(ctx: StepContext) -> str:
    """Locks the row that everybody needs, and there its process stands still, if it is the one to."""
    with ctx.connection() as connection:
        connection.execute("update stock set left_over = left_over - 1")
    write_down("took")
    if "DURABLE_TEST_STAND_STILL" in os.environ:
        os.kill(os.getpid(), signal.SIGSTOP)
    return "took"


async def held_transfer_in_a_call(ctx: StepContext) -> str:
    """The same in a call."""
    return str(await ctx.step("transfer", held_transfer))


async def commits_itself(ctx: StepContext) -> None:
    """Ends the transaction that is for the engine to end."""
    async with ctx.connection() as connection:
        await connection.execute("commit")


async def parent(n: int, ctx: StepContext) -> list[Any]:
    """Runs one execution and waits for it, and starts another one."""
    write_down("enter")
    called = await ctx.call_workflow("call", "child", {"n": n})
    die_at("after the call")
    try:
        await ctx.call_workflow("call", "child", {"n": -1})
    except StepFailed as error:
        called["failed"] = error.type
    started = await ctx.start_workflow("start", "child", {"n": n + 1})
    die_at("after the start")
    try:
        await ctx.start_workflow("start", "nowhere")
    except StepFailed as error:
        return [called, started, error.type]
    return []


def child(n: int) -> dict[str, int]:
    """What an execution does that another one started."""
    write_down(f"child {n}")
    if n < 0:
        raise ValueError("negative")
    return {"twice": 2 * n}


async def calls_a_sleeper(ctx: StepContext) -> Any:
    """Waits for an execution that sleeps for long."""
    return await ctx.call_workflow("call", "sleeper")


async def errand(n: int, to: str, ctx: StepContext) -> list[Any]:
    """Asks, tells others, waits for what they say, and tells them again with its own end."""
    write_down("enter")
    allowed = await ctx.ask("approval", "approval", "Go?")
    die_at("after the answer")
    ctx.emit("errand.begun", n, "begun")
    die_at("after the first event")
    done = await ctx.step("work", told_work, n, to)
    die_at("after the work")
    paid = await ctx.wait_event("payment", "paid", key=n, where="event.amount > 1")
    die_at("after the payment")
    ctx.send_event(to, "errand.done", paid["amount"])
    ctx.emit("errand.begun", n, "done")
    die_at("at the end")
    return [allowed["by"], done, paid["amount"]]


async def told_work(n: int, to: str, ctx: StepContext) -> int:
    """Tells one execution of work that is done."""
    ctx.send_event(to, "errand.done", "worked")
    write_down(f"work {n}")
    return n


async def hears(n: int, ctx: StepContext) -> list[Any]:
    """Gives what an errand told: four events, and that no fifth is there."""
    heard = [await ctx.wait_event("begun", "errand.begun", key=n) for _turn in range(2)]
    heard += [await ctx.wait_event("done", "errand.done") for _turn in range(2)]
    more = [await ctx.wait_event("more", "errand.begun", key=n, timeout="50ms", default=None)]
    return [*heard, *more, await ctx.wait_event("more", "errand.done", timeout="50ms", default=None)]


async def transfer_and_tell(n: int, ctx: StepContext) -> str:
    """Writes a row and sends an event, together or not at all."""
    async with ctx.connection() as connection:
        await connection.execute("insert into account (execution, what) values (%s, 'told')", [ctx.execution_id])
    ctx.emit("transferred", n, ctx.attempt)
    die_at("behind the blocks")
    if ctx.attempt <= n:
        raise RuntimeError("after all was told")
    return "told"


async def hears_one(ctx: StepContext) -> Any:
    """Waits for one event of a key."""
    return await ctx.wait_event("word", "said", key="k")


async def starts_and_joins(ctx: StepContext) -> list[Any]:
    """Starts two executions, one by its key, and waits for their ends later."""
    started = await ctx.start_workflow("start", "child", {"n": 1})
    die_at("after the start")
    await ctx.start_workflow("start", "child", {"n": 2}, key="k")
    die_at("after the start by key")
    joined = await ctx.join("join", started)
    die_at("after the join")
    return [joined, await ctx.call_workflow("call", "child", {"n": 3}, key="k")]
