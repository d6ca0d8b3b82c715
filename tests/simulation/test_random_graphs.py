"""Random workflows on installations where everything goes wrong. The number in a test's name is its seed.

To look into one that fails: `pytest "tests/simulation/test_random_graphs.py::test_...[seed]" --log-level=INFO`.
"""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from durable_dsl import graph as g
from durable_runtime.core.checkpoints import Kind
from durable_runtime.store.protocol import TERMINAL
from tests.simulation.checking import broken_promises, inputs_of
from tests.simulation.installation import Installation
from tests.simulation.invariants import history_of
from tests.simulation.random_graphs import GraphDrawer

SEEDS = range(300)
MANY = range(300, 10_300)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_workflow_keeps_every_promise_in_a_storm(seed: int) -> None:
    drawer = GraphDrawer(seed)
    assert broken_promises(drawer.draw(), seed, is_racy=drawer.is_racy) == []


@pytest.mark.parametrize("seed", SEEDS[::5])
def test_a_random_workflow_whose_loops_keep_one_turn_keeps_every_promise_in_a_storm(seed: int) -> None:
    drawer = GraphDrawer(seed, keep=1)
    assert broken_promises(drawer.draw(), seed, is_racy=drawer.is_racy) == []


def test_turns_are_pruned_in_these_storms() -> None:
    pruned = 0
    for seed in SEEDS[::5]:
        rows = Installation(GraphDrawer(seed, keep=1).draw(), inputs_of(seed), seed, stormy=True).run().store.rows
        pruned += sum(any(one.pruned for one in each.values()) for each in rows.snapshots.values())
        if pruned >= 3:
            return
    raise AssertionError(f"only {pruned} snapshots know of turns that were pruned")


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", MANY[::500])
def test_many_random_workflows_keep_every_promise_in_a_storm(first: int) -> None:
    broken: dict[int, list[str]] = {}
    for seed in range(first, first + 500):
        drawer = GraphDrawer(seed)
        problems = broken_promises(drawer.draw(), seed, is_racy=drawer.is_racy)
        if problems:
            broken[seed] = problems
    assert broken == {}


def test_a_seed_always_gives_the_same_history() -> None:
    for seed in range(5):
        first, second = (Installation(GraphDrawer(seed).draw(), inputs_of(seed), seed, stormy=True) for _ in range(2))
        reports = first.run(), second.run()
        histories = [[history_of(report.store, ending.id) for ending in report.endings] for report in reports]
        assert histories[0] == histories[1]
        assert reports[0].ledger.began == reports[1].ledger.began


def test_the_seeds_reach_every_kind_of_node() -> None:
    kinds: Counter[type] = Counter()
    for seed in SEEDS:
        kinds.update(type(node) for node in GraphDrawer(seed).draw().walk())
    missing = [kind for kind in get_args(g.Node) if kinds[kind] < 20]
    assert missing == []


def test_the_seeds_reach_every_kind_of_checkpoint_and_of_ending() -> None:
    reached: Counter[str] = Counter()
    kinds = {*get_args(Kind), *TERMINAL} - {"forked", "joined"}
    for seed in SEEDS:
        if all(reached[kind] >= 3 for kind in kinds):
            return
        report = Installation(GraphDrawer(seed).draw(), inputs_of(seed), seed, stormy=True).run()
        for ending in report.endings:
            reached.update({ending.status, *(one.kind for one in history_of(report.store, ending.id))})
    raise AssertionError({kind for kind in kinds if reached[kind] < 3})
