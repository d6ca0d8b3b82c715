"""From what an attempt came to, to the checkpoints that say so."""

from __future__ import annotations

from datetime import datetime

import msgspec

from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.children import child_started
from durable_runtime.core.commands import Collect, Perform, StartChild
from durable_runtime.core.conditions import settle_answer
from durable_runtime.core.outcomes import Success, settle_attempt, settle_results
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State
from durable_runtime.core.substeps import SubOutcome, settle_sub
from durable_runtime.worker.attempts import Ended
from durable_runtime.worker.children import Outgoing, Target


def checkpoints_of(
    program: Program, state: State, chain: list[Frame] | None, ended: Ended, outgoing: Outgoing
) -> list[Checkpoint]:
    """Gives the checkpoints of an outcome; none when it was abandoned in the meantime and nobody waits for it.

    `chain` leads to where it comes from. A child that begins with one goes with it.
    """
    command, outcome = ended.command, ended.outcome
    at = max(ended.at, state.now)
    if isinstance(command, Collect):
        assert isinstance(outcome, Success)
        settled = settle_results(program, state, command.path, command.keys, outcome.value)
    elif isinstance(command, Perform) and ended.sub is not None:
        return _checkpoints_of_call(program, state, command, ended.sub, ended, outgoing, at)
    elif outcome is None:
        return []
    elif isinstance(outcome, Target):
        assert isinstance(command, StartChild)
        begun = child_started(program, state, command, started_at=ended.started_at, at=at)
        settled = begun[0] if begun is not None else None
        if begun is not None and begun[0].kind in ("waiting", "completed"):
            outgoing.start(begun[1], command, outcome)
    elif isinstance(command, Perform) and command.slot is not None:
        settled = settle_answer(program, state, command, outcome, at=at, started_at=ended.started_at)
    else:
        settled = settle_attempt(
            program,
            state,
            chain,
            command.path,
            command.keys,
            command.attempt,
            outcome,
            started_at=ended.started_at,
            at=at,
            uniform=ended.uniform,
        )
        if ended.told and settled is not None and settled.kind in ("completed", "compensated"):
            settled = msgspec.structs.replace(settled, emitted=ended.told)
    return [settled] if settled is not None else []


def _checkpoints_of_call(
    program: Program,
    state: State,
    command: Perform,
    sub: SubOutcome,
    ended: Ended,
    outgoing: Outgoing,
    at: datetime,
) -> list[Checkpoint]:
    checkpoints = settle_sub(
        program,
        state,
        command.path,
        command.keys,
        command.attempt,
        sub,
        entered_at=ended.entered_at or at,
        began_at=command.began_at,
        at=at,
        uniform=ended.uniform,
    )
    if checkpoints:
        outgoing.begin(sub.outcome, checkpoints[-1], ended.begins)
    return checkpoints
