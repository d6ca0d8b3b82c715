"""A worker in a process of its own that is killed with SIGKILL once all its executions hang in the same step."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys

from benchmarks import running, steps
from benchmarks.task import Task


async def run_until_held(contender: str, task: Task) -> None:
    """Has the contender's `hold` run in a child until every execution hangs, and kills the child."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.contenders.killed",
        contender,
        json.dumps({"workload": task.workload, "url": task.url, "sizes": dict(task.sizes)}),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    said = await child.stdout.readline()
    if said.strip() != b"held":
        raise RuntimeError(f"the worker that was to be killed ended by itself, with code {await child.wait()}")
    child.kill()
    await child.wait()


async def _main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    asked = json.loads(sys.argv[2])
    task = Task(asked["workload"], asked["url"], asked["sizes"])
    steps.held = asyncio.Event()
    contender = importlib.import_module(f"benchmarks.contenders.{sys.argv[1]}")
    running = asyncio.ensure_future(contender.hold(task))
    while steps.holding < task["executions"]:
        await asyncio.wait({running}, timeout=0.05)
        if running.done():
            running.result()
            return
    answers.write("held\n")
    answers.flush()
    await running


if __name__ == "__main__":
    running.run(_main())
