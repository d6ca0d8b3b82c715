"""What functions print, as lines of their attempts' log: told apart, bounded, and printed all the same."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from durable_dsl import compile_text
from durable_runtime import StepContext
from durable_runtime.actions.notes import MAX_LINES
from durable_runtime.actions.printing import LONGEST, Printed, hearing, listen
from durable_runtime.testing import simulate

CALL = "- {step: main, call: tests.unit.core.simulating.run, with: {}, retry: 2}"


def printed(main: Callable[..., Any], steps: str = CALL, **mocks: Any) -> list[tuple[str, int, str, str]]:
    """Gives what is in the log of a workflow whose step `main` is this function."""
    (graph,) = compile_text(f"workflow: w\nsteps:\n{steps}")
    result = simulate(graph, {}, {"main": main, **mocks}, capture_output=True)
    assert result.status == "completed", result.error
    return [(line.path, line.attempt, line.level, line.message) for line in result.logs]


def test_what_is_printed_is_a_line_of_the_log_and_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        print("one", 1, end="")
        print(" and more\n\nlast")
        print("oh", file=sys.stderr)

    assert printed(main) == [
        ("main", 1, "stdout", "one 1 and more"),
        ("main", 1, "stdout", "last"),
        ("main", 1, "stderr", "oh"),
    ]
    assert capsys.readouterr() == ("one 1 and more\n\nlast\n", "oh\n")


def test_without_being_asked_nothing_is_captured(capsys: pytest.CaptureFixture[str]) -> None:
    (graph,) = compile_text(f"workflow: w\nsteps:\n{CALL}")
    before = sys.stdout
    assert simulate(graph, {}, {"main": lambda: print("one")}).logs == ()
    assert (sys.stdout, capsys.readouterr().out) == (before, "one\n")


def test_each_attempt_has_its_own_and_the_end_of_a_line_may_be_missing() -> None:
    def main(ctx: StepContext) -> None:
        print("attempt", ctx.attempt, end="")
        if ctx.attempt == 1:
            raise RuntimeError("no")

    assert printed(main) == [("main", 1, "stdout", "attempt 1"), ("main", 2, "stdout", "attempt 2")]


def test_attempts_that_print_at_once_are_told_apart() -> None:
    steps = """
    - foreach: each
      in: "[0, 1, 2]"
      as: n
      concurrency: 3
      steps:
        - step: main
          call: tests.unit.core.simulating.run
          with: {n: "${ n }"}
    """

    async def main(n: int) -> None:
        for part in ("a", "b", "c"):
            print(f"{n}{part}", end=" ")
            await asyncio.sleep(1)

    (graph,) = compile_text(f"workflow: w\nsteps:\n{steps}")
    result = simulate(graph, {}, {"each/main": main}, capture_output=True)
    assert sorted((line.path, line.message) for line in result.logs) == [
        (f"each[{n}]/main", f"{n}a {n}b {n}c ") for n in range(3)
    ]


def test_what_stands_before_a_call_that_is_over_is_in_the_log_once() -> None:
    def work() -> None:
        print("works")

    async def main(ctx: StepContext) -> None:
        print("begins")
        await ctx.step("work", work)
        print("between")
        await ctx.sleep("nap", "1h")
        print("ends")

    assert printed(main) == [
        ("main", 1, "stdout", "begins"),
        ("main/work", 1, "stdout", "works"),
        ("main", 1, "stdout", "between"),
        ("main", 1, "stdout", "ends"),
    ]


def test_very_many_lines_and_very_long_ones_are_bounded() -> None:
    def main() -> None:
        sys.stdout.write("x" * (2 * LONGEST + 1))
        print()
        for number in range(MAX_LINES):
            print(number)

    lines = printed(main)
    assert [len(message) for _path, _attempt, _level, message in lines[:3]] == [LONGEST, LONGEST, 1]
    assert len(lines) == MAX_LINES + 1
    assert lines[-1][2:] == ("warning", "this attempt logged 10,000 lines; what comes after is left out")


def test_a_secret_that_is_printed_is_masked() -> None:
    (graph,) = compile_text(
        "workflow: w\nsecrets: [TOKEN]\nsteps:\n"
        '- {step: main, call: tests.unit.core.simulating.run, with: {token: "${ secrets.TOKEN }"}}'
    )
    mocks = {"main": lambda token: print(f"token={token}")}
    result = simulate(graph, {}, mocks, secrets={"TOKEN": "sesame-street"}, capture_output=True)
    assert [line.message for line in result.logs] == ["token=***"]


def test_streams_are_put_back_when_the_last_has_heard_and_not_over_those_of_others() -> None:
    heard: list[str] = []
    before = sys.stdout
    with hearing():
        with hearing():
            assert sys.stdout is not before
            listen(Printed(lambda line, _stream: heard.append(line)))
            print("one")
        print("two")
        mine = sys.stdout
    assert (sys.stdout is before, mine is before) == (True, False)
    with hearing():
        sys.stdout = other = before
    assert sys.stdout is other
    print("three")
    assert heard == ["one", "two"]
