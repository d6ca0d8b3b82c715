"""Documents on a real PostgreSQL, by worker processes that are killed."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psycopg

from durable_runtime.store.postgres_client import PostgresClientStore
from durable_runtime.store.protocol import TERMINAL
from durable_runtime.store.rows import error_of
from tests.faults.working import start
from tests.model.agreement import Observed, disagreements
from tests.model.cases import Case
from tests.model.choices import Undecided
from tests.model.steps import LEDGER

ROOT = Path(__file__).parents[2]
KILLS = 2


def problems_on_postgres(cases: Sequence[Case], seed: int, url: str, ledger: Path) -> list[str]:
    """Runs every case's first input, kills `KILLS` workers on the way, and lists what the reference does not allow."""
    ids = [asyncio.run(start(url, case.graph, case.inputs[:1]))[0] for case in cases]
    ledger.touch()
    chance = random.Random(seed)
    for _ in range(KILLS):
        # With few enough commits before it that there are as many.
        code = _work(url, ledger, chance.choice(("before", "during", "after")), str(chance.randint(1, len(cases))))
        assert code == -9, code
    code = _work(url, ledger)
    assert code == 0, code
    found = _observed(url, ids, ledger)
    with psycopg.connect(url) as connection:
        lives = connection.execute("select last_value from durable.worker_id_seq").fetchone()
    assert lives is not None
    problems: list[str] = []
    for case, id in zip(cases, ids, strict=True):
        seen = found[id]
        if seen.status not in TERMINAL:
            problems.append(f"{case.document}: is {seen.status}")
            continue
        for attempt, times in seen.began.items():
            if times > int(lives[0]):
                problems.append(f"{case.document}: {attempt} began {times} times, in {lives[0]} lives of workers")
        try:
            problems += [f"{case.document}: {problem}" for problem in disagreements(case.graph, case.inputs[0], seen)]
        except Undecided:
            continue
    return problems


def _work(url: str, ledger: Path, *when: str) -> int:
    """Runs a worker process to its end and gives its exit code."""
    words = (sys.executable, "-m", "tests.model.victim", url, *when)
    variables = os.environ | {LEDGER: str(ledger)}
    return subprocess.run(words, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, check=False, timeout=110).returncode


def _observed(url: str, ids: Sequence[str], ledger: Path) -> dict[str, Observed]:
    began: dict[str, Counter[tuple[str, int]]] = {id: Counter() for id in ids}
    for line in ledger.read_text(encoding="utf-8").splitlines():
        id, node, attempt = line.split(" ")
        began[id][node, int(attempt)] += 1

    async def read() -> dict[str, Observed]:
        client = PostgresClientStore(url)
        found: dict[str, Observed] = {}
        try:
            for id in ids:
                row = await client.find_execution(id)
                assert row is not None
                error = error_of(row.error)
                found[id] = Observed(
                    status=row.status,
                    output=row.output,
                    error=error.as_json() if error is not None else None,
                    history=await client.list_checkpoints(row.key),
                    began=began[id],
                )
        finally:
            await client.close()
        return found

    return asyncio.run(read())
