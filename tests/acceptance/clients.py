"""What the tests of clients share: small workflows, and a worker that runs until nothing is left to run."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg

from durable_dsl import Graph, compile_text
from durable_runtime import AsyncDurable

Answer = TypeVar("Answer")


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs a coroutine on an event loop of its own."""
    return asyncio.run(work)


def graph(text: str) -> Graph:
    """Compiles one workflow."""
    [compiled] = compile_text(text)
    return compiled


GREET = graph("""
workflow: greet
version: "4"
queue: mails
priority: 7
input: {type: object, required: [name], properties: {name: {type: string}, mark: {type: string, default: "!"}}}
output: "hello ${ input.name }${ input.mark }"
steps:
  - step: note
    log: "greeting ${ input.name }"
""")

BREAK = graph("""
workflow: break
steps:
  - group: outer
    steps:
      - fail: refuse
        type: CardDeclined
        message: no money
        data: {code: 51}
""")

REST = graph("""
workflow: rest
steps:
  - step: before
    set: {n: 1}
  - wait: nap
    for: 1h
""")


async def work(durable: AsyncDurable) -> None:
    """Runs what there is to run."""
    await durable.worker().run(until_idle=True)


def query(url: str, sql: str) -> Any:
    """Gives the one value that a statement selects."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]
