"""One graph through calm and storm, and every promise that did not hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from durable_dsl import Graph, graph_from_json
from durable_runtime.core.program import Program
from durable_runtime.testing.clock import START
from tests.simulation.installation import Ending, Installation, Report
from tests.simulation.invariants import base_of, history_of, problems_of, start_of
from tests.simulation.looks import differences_between_looks

_BEFORE_ALL = START - timedelta(days=3650)
_AFTER_ALL = START + timedelta(days=3650)


def inputs_of(seed: int) -> list[dict[str, Any]]:
    """Gives the inputs of an installation's executions: one that decisions take up, one or two that they do not."""
    inputs: list[dict[str, Any]] = [{"choice": "yes"}, {"n": 1}, {"choice": "no", "n": 2}]
    return inputs[: 1 + seed % 3]


def broken_promises(graph: Graph, seed: int, *, is_racy: bool) -> list[str]:
    """Runs a graph uninterrupted and in a storm and lists what did not hold.

    With `is_racy` the outcome may depend on what comes first, so that the two may differ.
    """
    if graph_from_json(graph.to_json()) != graph:
        return ["the graph is another one after a round trip through JSON"]
    inputs = inputs_of(seed)
    calm = Installation(graph, inputs, seed, stormy=False).run()
    storm = Installation(graph, inputs, seed, stormy=True).run()
    found = [f"uninterrupted: {problem}" for problem in problems_of(calm, graph)] + problems_of(storm, graph)
    program = Program(graph)
    if not is_racy:
        found += differences(calm, storm)
    whole = [ending for ending in storm.endings if base_of(storm.store, ending.id, program) is None]
    for ending in whole:
        start, history = start_of(storm.store, ending.id, program), history_of(storm.store, ending.id)
        for now in (_BEFORE_ALL, _AFTER_ALL):
            found += differences_between_looks(program, start, history, now)
    return found


def differences(calm: Report, storm: Report) -> list[str]:
    """Compares texts, so that the order of keys and the types of numbers count."""
    return [
        f"{after.id} would have been {before.status}, {before.output}, {before.error} and is "
        f"{after.status}, {after.output}, {after.error}"
        for before, after in zip(calm.endings, storm.endings, strict=True)
        if not after.cancelled and not after.edited and _told(calm, before) != _told(storm, after)
    ]


def _told(report: Report, ending: Ending) -> tuple[object, ...]:
    """Gives what became of an execution: its end, and what its compensations gave, whatever their order."""
    undone = sorted(
        (one.path, repr(one.result)) for one in history_of(report.store, ending.id) if one.kind == "compensated"
    )
    return ending.status, ending.output, ending.error, undone
