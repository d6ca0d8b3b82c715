"""One case: a document, its inputs and what happens to it; and everything that may be wrong with what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import event
from hypothesis import strategies as st

from durable_dsl import compile_text
from durable_runtime.core.values import decode
from tests.model.agreement import disagreements
from tests.model.choices import Undecided
from tests.model.documents import families, inputs
from tests.model.in_memory import ModelInstallation, Moment, observed, strays
from tests.model.reference import Graphs
from tests.simulation.invariants import problems_of


@dataclass(frozen=True)
class Case:
    """A document and those that it starts, the inputs of its executions, the weather: a seed, and deeds at commits."""

    family: list[dict[str, Any]]
    inputs: list[dict[str, Any]]
    seed: int
    plan: list[Moment]
    stormy: bool

    def with_own_children(self, number: int) -> Case:
        """Gives the case with other names for what its document starts, so that several share a database."""
        text = json.dumps(self.family).replace('"child_', f'"of_{number}_child_')
        return replace(self, family=json.loads(text))

    @property
    def graphs(self) -> Graphs:
        """The graphs by their names, that of the document first."""
        compiled = [compile_text(json.dumps(document))[0] for document in self.family]
        return {graph.workflow: graph for graph in compiled}


MOMENTS = st.builds(
    Moment, st.integers(1, 25), st.sampled_from(("die before", "die after", "die before", "die after", "cancel"))
)


def cases(*, meets: bool = True) -> st.SearchStrategy[Case]:
    """Gives cases whose documents meet others, or are alone."""
    return st.builds(
        Case,
        families(meets=meets),
        st.lists(inputs(), min_size=1, max_size=2),
        st.integers(0, 10_000),
        st.lists(MOMENTS, max_size=4),
        st.booleans(),
    )


CASES = cases()


def problems_in_memory(case: Case) -> list[str]:
    """Runs a case on simulated workers and lists every promise that was broken."""
    graphs = case.graphs
    first, *beside = graphs.values()
    installation = ModelInstallation(first, case.inputs, case.seed, case.plan, stormy=case.stormy, beside=beside)
    report = installation.run()
    found: list[str] = problems_of(report, first, beside)
    for one in report.store.rows.executions.values():
        seen = observed(report, one.public_id)
        if seen.is_cancelled and one.parent is None and not installation.cancels:
            found.append(f"{one.public_id} was cancelled by nobody")
        event(f"{'child ' if one.parent else ''}{one.status}")
        try:
            found += [
                f"{one.workflow}: {problem}" for problem in disagreements(graphs, one.workflow, decode(one.input), seen)
            ]
        except Undecided:
            event("undecided")
    return found + strays(report)
