"""One case: a document, its inputs and what happens to it; and everything that may be wrong with what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import event
from hypothesis import strategies as st

from durable_dsl import Graph, compile_text
from tests.model.agreement import disagreements
from tests.model.choices import Undecided
from tests.model.documents import documents, inputs
from tests.model.in_memory import ModelInstallation, Moment, observed
from tests.simulation.invariants import problems_of


@dataclass(frozen=True)
class Case:
    """A document, the inputs of its executions, and the weather: a seed, and deeds at commits."""

    document: dict[str, Any]
    inputs: list[dict[str, Any]]
    seed: int
    plan: list[Moment]
    stormy: bool

    @property
    def graph(self) -> Graph:
        (graph,) = compile_text(json.dumps(self.document))
        return graph


MOMENTS = st.builds(
    Moment, st.integers(1, 25), st.sampled_from(("die before", "die after", "die before", "die after", "cancel"))
)

CASES = st.builds(
    Case,
    documents(),
    st.lists(inputs(), min_size=1, max_size=2),
    st.integers(0, 10_000),
    st.lists(MOMENTS, max_size=4),
    st.booleans(),
)


def problems_in_memory(case: Case) -> list[str]:
    """Runs a case on simulated workers and lists every promise that was broken."""
    graph = case.graph
    installation = ModelInstallation(graph, case.inputs, case.seed, case.plan, stormy=case.stormy)
    report = installation.run()
    found = problems_of(report, graph)
    for ending, input in zip(report.endings, case.inputs, strict=True):
        if ending.status == "cancelled" and not installation.cancels:
            found.append(f"{ending.id} was cancelled by nobody")
        event(ending.status)
        try:
            found += disagreements(graph, input, observed(report, ending.id))
        except Undecided:
            event("undecided")
    return found
