"""Steps that show something and are killed where told."""

from __future__ import annotations

import psycopg

from durable_runtime import StepContext
from tests.faults.context_steps import die_at
from tests.postgres import wait_until


def writes(url: str, ctx: StepContext) -> str:
    """Writes, is killed once what it wrote is stored, and writes on."""
    for number in range(3):
        ctx.write("out", [ctx.attempt, number])
    wait_until(lambda: _stored(url) == 3, "three items are stored")
    die_at("what it wrote is stored")
    ctx.write("out", "behind")
    die_at("the rest is not stored")
    return "done"


def _stored(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select count(*) from durable.stream").fetchone()
    assert row is not None
    return int(row[0])


async def publishes(ctx: StepContext) -> str:
    await ctx.publish("state", "begun")
    die_at("it is published")
    await ctx.publish("state", "over")
    die_at("it is published again")
    return "done"
