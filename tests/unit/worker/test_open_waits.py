"""What is stored of the waits of one execution, compared with what it waits for by now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from durable_dsl import compile_text
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json
from durable_runtime.core.evolve import begin, evolve
from durable_runtime.core.program import Program
from durable_runtime.worker.open_waits import OpenWaits

AT = datetime(2030, 1, 1, tzinfo=UTC)
(GRAPH,) = compile_text("workflow: w\nsteps: [{step: main, call: some.where, with: {}, retry: 3}]")
PROGRAM = Program(GRAPH)


def at(minute: int, path: str, kind: Json, **more: Json) -> Checkpoint:
    moment = AT + timedelta(minutes=minute)
    return Checkpoint(path=path, kind=kind, finished_at=moment, started_at=moment, **more)


def test_a_wait_that_another_attempt_opens_again_is_stored_anew_and_looks_anew() -> None:
    opened: Json = {"for": {"": {"event": "paid", "key": "k"}}}
    state = begin(PROGRAM, input={}, execution={"id": "x"}, started_at=AT)
    waits = OpenWaits(state)

    def take(*checkpoints: Checkpoint) -> None:
        nonlocal state
        for one in checkpoints:
            state = evolve(PROGRAM, state, one)[0]

    take(at(1, "main", "entered"), at(1, "main/pay", "waiting", result=opened))
    assert ([wait.path for wait in waits.changes(state, ends=False)[0]], waits.must_look(state)) == (["main/pay"], True)
    waits.committed()
    assert [(one.name, one.key) for one in waits.to_look_for(7, state)] == [("paid", "k")]
    assert (waits.must_look(state), waits.differ(state), waits.to_look_for(7, state)) == (False, False, [])

    error = ErrorValue(type="Timeout", message="too late")
    take(
        at(2, "main/pay", "failed", error=error),
        at(2, "main", "retrying", error=error, due_at=AT),
        at(3, "main", "entered", attempt=2),
        at(3, "main/pay", "waiting", result=opened),
    )
    assert (waits.differ(state), waits.must_look(state)) == (True, True)
    opens, closes = waits.changes(state, ends=False)
    assert ([wait.opened_at for wait in opens], closes) == ([AT + timedelta(minutes=3)], (("main/pay", ""),))
    waits.committed()
    assert len(waits.to_look_for(7, state)) == 1
