"""Documents on a real PostgreSQL, by worker processes that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psycopg

from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import TERMINAL, ExecutionRow
from durable_runtime.store.rows import error_of
from tests.faults.working import expire, start
from tests.model.agreement import Observed, disagreements
from tests.model.cases import Case
from tests.model.choices import Undecided
from tests.model.steps import LEDGER
from tests.warm.python import warm_python

ROOT = Path(__file__).parents[2]
KILLS = 2


def problems_on_postgres(cases: Sequence[Case], seed: int, url: str, ledger: Path) -> list[str]:
    """Runs every case's first input, kills `KILLS` workers on the way, and lists what the reference does not allow."""
    cases = [case.with_own_children(number) for number, case in enumerate(cases)]
    first = {asyncio.run(_start(url, case)): case for case in cases}
    children = {name: graph for case in cases for name, graph in case.graphs.items()}
    ledger.touch()
    chance = random.Random(seed)
    for _ in range(KILLS):
        # With few enough commits before it that there are as many.
        code = _work(url, ledger, chance.choice(("before", "during", "after")), str(chance.randint(1, len(cases))))
        assert code == -9, code
        expire(url)
    code = _work(url, ledger)
    assert code == 0, code
    with psycopg.connect(url) as connection:
        lives = connection.execute("select last_value from durable.worker_id_seq").fetchone()
    assert lives is not None
    problems: list[str] = []
    for row, seen in asyncio.run(_read(url, ledger.read_text(encoding="utf-8").splitlines())):
        graphs = first[row.id].graphs if row.id in first else children
        what = f"{row.workflow} of {[graph.to_json() for graph in graphs.values()]}"
        if seen.status not in TERMINAL:
            problems.append(f"{what}: is {seen.status}")
            continue
        for attempt, times in seen.began.items():
            if times > int(lives[0]):
                problems.append(f"{what}: {attempt} began {times} times, in {lives[0]} lives of workers")
        with contextlib.suppress(Undecided):
            differences = disagreements(graphs, row.workflow, row.input, seen)
            problems += [f"{what}: {difference}" for difference in differences]
    return problems


async def _start(url: str, case: Case) -> str:
    """Starts the case's first input, with what its document starts stored beside it."""
    graph, *beside = case.graphs.values()
    client = PostgresClientStore(url)
    try:
        for each in beside:
            await client.save_definition(each.workflow, each.version, None, each.to_json())
    finally:
        await client.close()
    (id,) = await start(url, graph, case.inputs[:1])
    return id


def _work(url: str, ledger: Path, *when: str) -> int:
    """Runs a worker process to its end and gives its exit code."""
    words = (*warm_python(), "-m", "tests.model.victim", url, *when)
    variables = os.environ | {LEDGER: str(ledger)}
    return subprocess.run(words, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, check=False, timeout=110).returncode


async def _read(url: str, ledger: Sequence[str]) -> list[tuple[ExecutionRow, Observed]]:
    """Reads every execution, and what the ledger has of it."""
    began: dict[str, Counter[tuple[str, int]]] = {}
    for line in ledger:
        id, node, attempt = line.split(" ")
        began.setdefault(id, Counter())[node, int(attempt)] += 1
    client = PostgresClientStore(url)
    found: list[tuple[ExecutionRow, Observed]] = []
    try:
        for listed in await client.list_executions(limit=1000):
            row = await client.find_execution(listed.id)
            assert row is not None
            error = error_of(row.error)
            seen = Observed(
                status=row.status,
                output=row.output,
                error=error.as_json() if error is not None else None,
                history=await client.list_checkpoints(row.key),
                began=began.get(row.id, Counter()),
            )
            found.append((row, seen))
    finally:
        await client.close()
    return found
