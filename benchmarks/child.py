"""`python -m benchmarks.child CONTENDER`: one measurement of one contender, in a process of its own.

It reads the task as a line of JSON and then a line for every step of the gate, and answers on what was its stdout.
Whatever the contender prints itself goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

from benchmarks import running
from benchmarks.task import Figures, Gate, Run, Task


def main() -> None:
    """Measures what it is told to on stdin, and ends the process."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    task = Task(asked["workload"], asked["url"], asked["sizes"])
    module = importlib.import_module(f"benchmarks.contenders.{sys.argv[1]}")
    run: Run = module.WORKLOADS[task.workload]
    gate = Gate(answers)
    gate.result(running.run(_measure(run, task, gate)))
    # Without waiting for threads and pools of contenders that keep some.
    answers.flush()
    os._exit(0)


async def _measure(run: Run, task: Task, gate: Gate) -> Figures:
    return await run(task, gate)


if __name__ == "__main__":
    main()
