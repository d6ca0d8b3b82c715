"""durable-dsl with two worker processes on one database."""

from __future__ import annotations

import asyncio
import sys
import time

from benchmarks import documents, running
from benchmarks.contenders import durable
from benchmarks.task import Figures, Gate, Run, Task

SETTINGS = "two worker processes, each as it comes"


async def backlog(task: Task, gate: Gate) -> Figures:
    executions = task["executions"]
    await durable.start(task.url, documents.sequence(task["steps"]), [{}] * executions)
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.contenders.durable_two",
            task.url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _worker in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        await child.stdout.readline()  # it has imported everything
    await gate.go()
    began = time.monotonic()
    ends = await asyncio.gather(*(_drain(child) for child in children))
    gate.stop()
    completed = sum(count for count, _ended in ends)
    if completed != executions:
        raise RuntimeError(f"only {completed} of {executions} executions completed")
    gate.seconds = max(ended for _count, ended in ends) - began
    return {"steps": executions * task["steps"]}


async def _drain(child: asyncio.subprocess.Process) -> tuple[int, float]:
    answer, _errors = await child.communicate(b"go\n")
    completed, ended = answer.split()
    return int(completed), float(ended)  # the monotonic clock is one for all processes


async def _main(url: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    report, ended = await durable.drain_until_idle(url)
    print(report.completed, ended, flush=True)


WORKLOADS: dict[str, Run] = {"backlog": backlog}

if __name__ == "__main__":
    running.run(_main(sys.argv[1]))
