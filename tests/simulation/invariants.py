"""What must hold after every run of an installation, whatever happened to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from durable_dsl import Graph
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.interpreter import fold, settle
from durable_runtime.core.program import Program
from durable_runtime.core.snapshots import state_in
from durable_runtime.core.starting import initial_state
from durable_runtime.core.state import State
from durable_runtime.core.values import decode
from durable_runtime.store.protocol import TERMINAL
from durable_runtime.store.rows import checkpoint_of
from durable_runtime.testing import MemoryStore
from tests.simulation.installation import Ending, Report
from tests.simulation.snapshotting import snapshot_problems
from tests.simulation.undone import undoing_problems


def problems_of(report: Report, graph: Graph, beside: Sequence[Graph] = ()) -> list[str]:
    """Lists every promise that was broken; none is the only good answer. `beside` are the graphs of children."""
    problems = list(report.problems)
    programs = {each.workflow: Program(each) for each in (graph, *beside)}
    for ending in report.endings:
        (workflow,) = (one.workflow for one in report.store.rows.executions.values() if one.public_id == ending.id)
        program = programs[workflow]
        problems += [f"{ending.id}: {problem}" for problem in _of_ending(report, ending)]
        if ending.status in TERMINAL:
            problems += [f"{ending.id}: {problem}" for problem in _of_history(report, ending, program)]
    return problems


def _of_ending(report: Report, ending: Ending) -> list[str]:
    rows, found = report.store.rows, []
    (one,) = (one for one in rows.executions.values() if one.public_id == ending.id)
    if ending.status not in TERMINAL:
        found.append(f"is {ending.status}, which is no end")
    if one.owner is not None:
        found.append(f"is {ending.status} and still owned by worker {one.owner}")
    waits = [wait for wait in rows.waits.values() if wait.key == one.key]
    if waits:
        found.append(f"is {ending.status} and still waits: {waits}")
    open_waits = [place for place in rows.open_waits if place[0] == one.key]
    if open_waits:
        found.append(f"is {ending.status} and still waits for others: {open_waits}")
    if ending.cancelled and ending.status not in ("cancelled", "compensation_failed"):
        found.append(f"is {ending.status} although its cancel had returned before")
    error = decode(ending.error) if ending.error is not None else None
    if error is not None and error["type"] in ("Stuck", "RecoveryLimit", "EngineError"):
        found.append(f"ended with {error}")
    for (id, node, attempt), times in report.ledger.began.items():
        # What undoes a step is begun once more where the undoing was cut off by a failure, a timeout or a cancel above.
        cuts = node.count("/") if node.endswith("/compensate") else 0
        if id == ending.id and times > 1 + cuts + ending.losses:
            found.append(f"{node} began attempt {attempt} {times} times, and {ending.losses} workers were lost")
    return found


def history_of(store: MemoryStore, id: str) -> list[Checkpoint]:
    """Gives an execution's checkpoints as they are stored, by their numbers."""
    (key,) = (one.key for one in store.rows.executions.values() if one.public_id == id)
    return [checkpoint_of(row) for _seq, row in sorted(store.rows.checkpoints.get(key, {}).items())]


def base_of(store: MemoryStore, id: str, program: Program) -> State | None:
    """Gives the state with which an execution's history begins, if turns of it were pruned."""
    (key,) = (one.key for one in store.rows.executions.values() if one.public_id == id)
    pruned = [one for _seq, one in sorted(store.rows.snapshots.get(key, {}).items()) if one.pruned]
    return state_in(program, pruned[0]) if pruned else None


def start_of(store: MemoryStore, id: str, program: Program) -> State:
    """Gives the state that an execution began with."""
    (one,) = (one for one in store.rows.executions.values() if one.public_id == id)
    assert one.started_at is not None
    return initial_state(
        program,
        id=id,
        workflow=one.workflow,
        queue=one.queue,
        input=decode(one.input),
        started_at=one.started_at,
        scheduled_at=one.scheduled_at,
    )


def _of_history(report: Report, ending: Ending, program: Program) -> list[str]:
    history = history_of(report.store, ending.id)
    found = []
    base = base_of(report.store, ending.id, program)
    floor = 0 if base is None else base.seq
    numbers = [checkpoint.seq for checkpoint in history if checkpoint.seq > floor]
    if numbers != list(range(floor + 1, floor + len(numbers) + 1)):
        found.append(f"its checkpoints have the numbers {numbers}")
        return found
    events = [checkpoint.result for checkpoint in history if checkpoint.kind == "received"]
    received = [event.get("id", event.get("event")) for event in events]
    if len(set(received)) < len(received):
        found.append(f"received an event twice: {received}")
    state = fold(program, start_of(report.store, ending.id, program), history, base)
    finish = settle(program, state, None, state.now).finish
    if finish is None or finish.status != ending.status:
        found.append(f"is {ending.status}, but its checkpoints lead to {finish}")
    elif finish.status == "completed" and decode(ending.output) != finish.output:
        found.append(f"gave {ending.output}, but its checkpoints lead to {finish.output}")
    found += undoing_problems(program.graph, history, ending.status)
    if base is None:
        found += snapshot_problems(program, start_of(report.store, ending.id, program), history)
        found += _of_values(report.store, ending, history)
    return found


def _of_values(store: MemoryStore, ending: Ending, history: list[Checkpoint]) -> list[str]:
    """What is published is what checkpoints say, no more and no less, in their order."""
    (key,) = (one.key for one in store.rows.executions.values() if one.public_id == ending.id)
    shown = [(seq, value.name, value.path) for seq, value in store.rows.values.get(key, [])]
    said: list[tuple[int, str, str]] = []
    given: set[str] = set()
    for one in history:
        if one.kind == "edited" and one.result["edit"] is not None:
            given.add(one.result["edit"]["node"])
        elif one.kind == "completed" and re.search(r"(^|/)show\d+$", one.path):
            # What was given its result did not run, and published nothing.
            said += [(one.seq, name, one.path) for name in ("shown", "other") if one.path not in given]
            given.discard(one.path)
    return [] if shown == said else [f"shows the values {shown}, but its checkpoints say {said}"]
