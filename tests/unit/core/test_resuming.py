"""A resumed execution sees what an uninterrupted one sees, wherever it was torn away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from durable_dsl import compile_text
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.evolve_execution import HistoryMismatch
from durable_runtime.core.interpreter import fold, settle
from durable_runtime.core.program import Program
from durable_runtime.core.starting import initial_state
from durable_runtime.core.state import State, data_of
from durable_runtime.store.rows import error_of, result_text
from durable_runtime.testing import simulate
from durable_runtime.testing.clock import START

TEXT = """
workflow: w
steps:
  - {step: load, call: x.load, save: loaded}
  - step: merge
    call: x.merge
  - parallel: p
    branches:
      left: [{step: a, set: {zeta: "${ data.loaded.z * 2 }", alpha: "${ data.loaded.b }"}}]
      right: [{foreach: f, in: "[3, 1]", save: items, steps: [{step: s, call: x.item, with: {n: "${ item / 2.0 }"}}]}]
  - {loop: l, until: iteration == 3, steps: [{step: t, set: {last: "${ [data.zeta, iteration] }"}}]}
  - {group: g, output: "${ result }", save: kept, steps: [{step: u, call: x.load, with: {}}]}
"""
MOCKS = {
    "x.load": {"z": 1.0, "b": -0.0, "a": 10**15, "deep": {"y": None, "x": [True, 1, 1.0]}},
    "x.merge": {"q": 1e16, "c": 2, "loaded": {"z": 3, "b": 1e-7}},
    "x.item": lambda n: {"half": n, "Ä": n},
}


def as_read_back(checkpoint: Checkpoint) -> Checkpoint:
    """What comes back of a checkpoint that was written as JSON text."""
    text = result_text(checkpoint)
    error = json.loads(msgspec.json.encode(checkpoint.error.as_json())) if checkpoint.error is not None else None
    return msgspec.structs.replace(
        checkpoint, result=json.loads(text) if text is not None else None, error=error_of(error), keys=None
    )


def started(program: Program) -> State:
    return initial_state(
        program, id="1", workflow="w", queue="default", input={"n": 1}, started_at=START, scheduled_at=None
    )


def histories() -> Iterator[list[Checkpoint]]:
    (graph,) = compile_text(TEXT)
    checkpoints = list(simulate(graph, {"n": 1}, MOCKS).checkpoints)
    for length in range(len(checkpoints) + 1):
        yield [as_read_back(checkpoint) for checkpoint in checkpoints[:length]]


def test_the_data_are_those_worked_out_by_hand_down_to_the_order_of_keys() -> None:
    (graph,) = compile_text(TEXT)
    assert json.dumps(simulate(graph, {"n": 1}, MOCKS).output, ensure_ascii=False) == (
        '{"n": 1, "loaded": {"z": 3, "b": 1e-07}, "q": 1e+16, "c": 2, "zeta": 6, "alpha": 1e-07, '
        '"items": [{"half": 1.5, "Ä": 1.5}, {"half": 0.5, "Ä": 0.5}], "last": [6, 3], '
        '"kept": {"z": 1.0, "b": -0.0, "a": 1000000000000000, "deep": {"y": null, "x": [true, 1, 1.0]}}}'
    )


def test_whatever_was_stored_leads_to_the_same_end() -> None:
    """Folds each beginning of the history, goes on from there with the rest, and compares texts."""
    (graph,) = compile_text(TEXT)
    program = Program(graph)
    *beginnings, whole = histories()
    expected = json.dumps(data_of([fold(program, started(program), whole).root]))
    for beginning in beginnings:
        state = fold(program, started(program), beginning)
        settled = settle(program, state, None, state.now)
        computed = [as_read_back(checkpoint) for checkpoint in settled.checkpoints]
        # What is computed again is what had been computed before.
        again = whole[len(beginning) : len(beginning) + len(computed)]
        assert [(one.seq, one.path, one.kind, repr(one.result)) for one in computed] == [
            (one.seq, one.path, one.kind, repr(one.result)) for one in again
        ]
        rest = fold(program, started(program), [*beginning, *whole[len(beginning) :]])
        assert json.dumps(data_of([rest.root])) == expected


def test_an_address_is_found_from_a_path_alone() -> None:
    (graph,) = compile_text(TEXT)
    program = Program(graph)
    assert program.locate("load") == ()
    assert program.locate("p/a") == ("left",)
    assert program.locate("p/f[1]/s") == ("right", 1)
    assert program.locate("l#3/t") == (3,)
    assert program.locate("g/u") == ("steps",)
    with pytest.raises(KeyError, match="p/f/s"):
        program.locate("p/f/s")


def test_a_checkpoint_that_came_twice_or_too_early_is_refused() -> None:
    (graph,) = compile_text(TEXT)
    program = Program(graph)
    first, second, *_ = list(histories())[-1]
    for wrong in ([first, first], [second], [msgspec.structs.replace(first, path="merge")]):
        with pytest.raises(HistoryMismatch):
            fold(program, started(program), wrong)


def test_settling_twice_gives_the_same() -> None:
    (graph,) = compile_text(TEXT)
    program = Program(graph)
    for history in histories():
        state = fold(program, started(program), history)
        assert settle(program, state, None, state.now) == settle(program, state, None, state.now)
