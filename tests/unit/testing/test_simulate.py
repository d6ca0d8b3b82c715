"""simulate: users' own tests of their workflows."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_dsl import DslError, compile_text, seconds, step, wait, workflow
from durable_runtime import InvalidInput, InvalidOption, StepContext, UnknownWorkflow
from durable_runtime.testing import FakeClock, simulate

(TWICE,) = compile_text(
    """
    workflow: w
    steps:
      - group: g
        steps:
          - {step: a, call: x.load, with: {n: 1}, save: a}
          - {step: b, call: x.load, with: {n: 2}, save: b}
    """
)


def test_a_mock_by_import_path_stands_for_every_call_and_one_by_node_id_comes_first() -> None:
    result = simulate(TWICE, {}, {"x.load": lambda n: n * 10, "g/b": "mine"})
    assert result.output == {"a": 10, "b": "mine"}
    assert [(call.node, call.function, call.attempt, call.arguments) for call in result.calls] == [
        ("g/a", "x.load", 1, {"n": 1}),
        ("g/b", "x.load", 1, {"n": 2}),
    ]


def test_functions_may_be_async_take_ctx_and_be_anything_that_can_be_called() -> None:
    class Loader:
        async def __call__(self, n: int, ctx: StepContext) -> list[Any]:
            await asyncio.sleep(5)
            return [n, ctx.node, ctx.attempt]

    result = simulate(TWICE, {}, {"x.load": Loader(), "g/b": lambda ctx, n: ctx.idempotency_key})
    assert result.output["a"] == [1, "g/a", 1]
    assert len(result.output["b"]) == 36
    assert result.slept == timedelta(seconds=5)


@pytest.mark.parametrize("mock", [KeyError("k"), KeyError])
def test_exceptions_and_their_classes_are_raised(mock: Any) -> None:
    result = simulate(TWICE, {}, {"x.load": mock})
    assert result.error is not None
    assert (result.status, result.error.type, result.error.node, result.output) == ("failed", "KeyError", "g/a", None)


def test_a_falsy_value_is_a_value() -> None:
    values: list[Any] = [None, 0, "", [], {}, False]
    for value in values:
        assert simulate(TWICE, {}, {"x.load": value}).output == {"a": value, "b": value}


def test_what_has_no_mock_is_called_for_real_and_on_the_same_thread() -> None:
    (graph,) = compile_text(
        "workflow: w\nsteps:\n  - {step: s, call: threading.get_ident, with: {}, save: thread}\n"
        "  - {step: t, call: asyncio.sleep, with: {delay: 60, result: 5}, save: slept}"
    )
    result = simulate(graph)
    assert result.output == {"thread": threading.get_ident(), "slept": 5}
    assert result.slept == timedelta(minutes=1)


def test_a_mock_that_replaces_nothing_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"calls nothing at or named 'g/c'"):
        simulate(TWICE, {}, {"x.load": 1, "g/c": 1})
    with pytest.raises(InvalidOption, match=r"did you mean 'x\.load'"):
        simulate(TWICE, {}, {"x.laod": 1})


def test_a_call_that_is_nowhere_needs_a_mock() -> None:
    with pytest.raises(InvalidOption, match=r"g/b needs a mock: x\.load cannot be imported"):
        simulate(TWICE, {}, {"g/a": 1})


def test_the_input_is_checked_and_its_defaults_are_filled_in() -> None:
    (graph,) = compile_text(
        "workflow: w\ninput: {type: object, properties: {n: {type: integer, default: 3}}}\nsteps: [{finish: f}]"
    )
    assert simulate(graph).output == {"n": 3}
    with pytest.raises(InvalidInput, match=r"input\.n must be"):
        simulate(graph, {"n": "many"})


def test_a_workflow_comes_from_a_file_a_builder_or_one_of_several_in_a_file(tmp_path: Path) -> None:
    built = workflow("built", step("s", set={"n": 1}), wait("w", for_=seconds(90)))
    assert simulate(built).slept == timedelta(seconds=90)
    file = tmp_path / "two.yaml"
    file.write_text(
        "workflow: one\nsteps: [{finish: f, output: 1}]\n---\nworkflow: two\nsteps: [{finish: f, output: 2}]"
    )
    assert simulate(file).output == 1
    assert simulate(str(file), workflow="two").output == 2
    with pytest.raises(UnknownWorkflow, match="three"):
        simulate(file, workflow="three")
    with pytest.raises(UnknownWorkflow, match="'stored' names no file"):
        simulate("stored")
    file.write_text("workflow: one\nsteps: [{stop: f}]")
    with pytest.raises(DslError, match="stop"):
        simulate(file)


def test_the_clock_begins_when_told_and_stands_where_the_execution_ended() -> None:
    clock = FakeClock(datetime(2040, 2, 28, tzinfo=UTC))
    (graph,) = compile_text("workflow: w\nsteps: [{wait: w, for: 2d}, {step: s, set: {at: '${ now }'}}]")
    assert simulate(graph, clock=clock).output == {"at": "2040-03-01T00:00:00Z"}
    assert clock.now() == datetime(2040, 3, 1, tzinfo=UTC)


def test_logs_checkpoints_and_attempts_are_told() -> None:
    (graph,) = compile_text(
        """
        workflow: w
        steps:
          - foreach: f
            in: "[1, 2]"
            steps:
              - {step: s, call: x.y, with: {n: "${ item }"}, retry: {max_attempts: 2, delay: 1m}}
              - {step: t, log: "item ${ item }"}
        """
    )

    def once(n: int, ctx: StepContext) -> None:
        if n == 2 and ctx.attempt == 1:
            raise ValueError("not yet")

    result = simulate(graph, {}, {"x.y": once})
    assert [line.message for line in result.logs] == ["item 1", "item 2"]
    assert (result.attempts_of("f[0]/s"), result.attempts_of("f[1]/s")) == (1, 2)
    assert [(one.seq, one.path, one.kind) for one in result.checkpoints] == [
        (1, "f", "entered"),
        (2, "f[0]/s", "completed"),
        (3, "f[0]/t", "completed"),
        (4, "f[1]/s", "retrying"),
        (5, "f[1]/s", "completed"),
        (6, "f[1]/t", "completed"),
        (7, "f", "completed"),
    ]
    assert result.slept == timedelta(minutes=1)


def test_two_simulations_of_the_same_are_the_same() -> None:
    assert simulate(TWICE, {}, {"x.load": 1}) == simulate(TWICE, {}, {"x.load": 1})


def test_a_step_that_waits_for_what_never_comes_is_cut_off_by_its_timeout() -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    (graph,) = compile_text("workflow: w\nsteps: [{step: s, call: x.y, with: {}, timeout: 5s}]")
    result = simulate(graph, {}, {"s": wait_for_ever})
    assert result.error is not None
    assert result.error.type == "Timeout"
