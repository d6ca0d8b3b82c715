"""A wrong keyword in Python is found by the type checker, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[3]

PROGRAM = """\
from datetime import timedelta
from durable_dsl import Retry, Workflow, branch, foreach, loop, parallel, step, wait, workflow

def charge(data: dict[str, object]) -> None: ...

good: Workflow = workflow(
    "w",
    step("a", charge, retry=Retry(max_attempts=3), timeout=timedelta(minutes=1), when="data.x"),
    parallel("p", {"x": [wait("b", for_="1s")]}, join={"at_least": 1}),
    timeout="1h",
)

step("a", charge, retires=3)
step("a", charge, timeout=30)
step("a", charge, retry=Retry(backof="linear"))
wait("b", for_="1s", sav="x")
loop("c", step("d", charge), on_limit="stop", while_="data.x")
foreach("e", step("f", charge))
parallel("g", {"x": [charge]})
branch("h", match="data.x", cases={"a": step("i", charge)})
workflow("w", step("a", charge), ques="orders")
"""


def test_mypy_catches_wrong_keywords_and_values(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    cache = tmp_path / "cache"
    out, errors, _status = api.run(
        [
            *(
                "--strict",
                "--no-error-summary",
                "--cache-dir",
                str(cache),
                "--config-file",
                str(ROOT / "pyproject.toml"),
            ),
            *("--python-executable", sys.executable, str(program)),
        ]
    )
    assert errors == ""
    found = [line.split("program.py:")[1] for line in out.splitlines() if ": error: " in line]
    assert [int(line.split(":")[0]) for line in found] == [13, 14, 15, 16, 17, 18, 19, 20, 21]
    assert 'Unexpected keyword argument "retires" for "step"' in found[0]
