"""What steps print on a worker that captures it: of threads, of async functions, of programs, each in its own log."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from typing import Any

from durable_runtime import AsyncDurable
from tests.acceptance.clients import graph, run

HERE = "tests.acceptance.test_printing"
AT_ONCE = 4

FLOW = graph(f"""
workflow: flow
steps:
  - foreach: each
    in: "[0, 1, 2, 3]"
    as: n
    concurrency: 4
    steps:
      - step: plain
        call: {HERE}.plain
        with: {{n: "${{ n }}"}}
      - step: calm
        call: {HERE}.calm
        with: {{n: "${{ n }}"}}
  - step: program
    shell:
      command: [sh, -c, "printf 'one\\\\ntwo'; echo oh >&2; exit 3"]
    retry: {{max_attempts: 2, delay: 1ms}}
    ignore_errors: true
""")
meeting = threading.Barrier(AT_ONCE)
met = Counter[str]()


def plain(n: int) -> None:
    """Prints in turns with the others, each in its own thread."""
    for part in ("begins", "ends"):
        print(f"plain {n} {part}", end=" ")
        meeting.wait(30)


async def calm(n: int) -> None:
    """Prints in turns with the others, all on one event loop."""
    for part in ("begins", "ends"):
        print(f"calm {n} {part}", end=" ", file=sys.stderr)
        met[part] += 1
        while met[part] < AT_ONCE:
            await asyncio.sleep(0.001)


def test_what_steps_and_programs_print_is_in_the_log_of_their_attempts(database_url: str) -> None:
    met.clear()

    async def story() -> list[Any]:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(FLOW)
            worker = durable.worker(capture_output=True, allow_shell=True)
            await worker.run(until_idle=True)
            await durable.result(id)
            from_stderr = await durable.get_logs(id, level="stderr")
            assert {line.level for line in from_stderr} == {"stderr"}
            assert await durable.get_logs(id, level="info") == []
            return await durable.get_logs(id)

    before = sys.stdout
    lines = run(story())
    assert sys.stdout is before
    assert sorted((line.path, line.attempt, line.level, line.message) for line in lines) == sorted(
        [
            *((f"each[{n}]/calm", 1, "stderr", f"calm {n} begins calm {n} ends ") for n in range(AT_ONCE)),
            *((f"each[{n}]/plain", 1, "stdout", f"plain {n} begins plain {n} ends ") for n in range(AT_ONCE)),
            *(("program", attempt, "stdout", word) for attempt in (1, 2) for word in ("one", "two")),
            *(("program", attempt, "stderr", "oh") for attempt in (1, 2)),
        ]
    )
