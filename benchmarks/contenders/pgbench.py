"""pgbench: what the server can do when every row is a transaction of its own and nothing else happens."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

import psycopg

from benchmarks.task import Figures, Gate, Run, Task
from durable_runtime.embedded.binaries import find_binaries

CLIENTS = 8
SETTINGS = f"{CLIENTS} clients in 2 threads, prepared statements, a row like a step's record per transaction"

_TABLE = """
create table step (execution_id bigint, seq integer, path text not null, result json, finished_at timestamptz not null,
                   primary key (execution_id, seq))
"""
_SCRIPT = r"""
\set number random(1, 1000000000000)
insert into step values (:client_id * 1000000000000 + :number, 1, 'step_1', null, now());
"""


async def backlog(task: Task, gate: Gate) -> Figures:
    """As many rows as the others make steps, or a few more: every client inserts the same number."""
    with psycopg.connect(task.url) as connection:
        connection.execute(_TABLE)
    each = -(-task["executions"] * task["steps"] // CLIENTS)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(_SCRIPT)
        await gate.go()
        child = await asyncio.create_subprocess_exec(
            find_binaries() / "pgbench",
            *("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-t", str(each), "-f", str(script), task.url),
            stdout=asyncio.subprocess.PIPE,
        )
        said = (await child.communicate())[0].decode()
        gate.stop()
    rate = re.search(r"tps = ([0-9.]+) \(without initial connection time\)", said)
    if child.returncode != 0 or rate is None:
        raise RuntimeError(f"pgbench ended with code {child.returncode}: {said}")
    gate.seconds = each * CLIENTS / float(rate[1])
    return {"steps": each * CLIENTS}


WORKLOADS: dict[str, Run] = {"backlog": backlog}
