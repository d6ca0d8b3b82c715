"""Conditions: expressions give their value here and now, functions are asked by a worker and their answers stored.

An answer is a checkpoint of the node it is about, and part of the frame that stands there. So a condition is never
asked twice, and whatever follows from it begins only when it is stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from durable_dsl import graph as g
from durable_dsl.expressions import Expression
from durable_runtime.core.catching import catch
from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.commands import Perform
from durable_runtime.core.environment import environment
from durable_runtime.core.outcomes import Failure, Success, failed, failed_attempt, kind_of
from durable_runtime.core.program import Condition, Program
from durable_runtime.core.state import Frame, State, Turning, chain_to, children_of, data_of
from durable_runtime.core.values import NotStorable, encode

replace = msgspec.structs.replace

_ANY_VALUE = frozenset({"match", "in"})


def value_of(
    program: Program, state: State, chain: list[Frame], keys: Keys, condition: Condition, slot: str, **names: Json
) -> Any | Perform:
    """Gives what stands at `slot` of the node (`match`, `cases 2`, `while 3`), or the attempt that asks for it."""
    if isinstance(condition, Expression):
        return condition.evaluate(environment(program, state, chain) | names, now=state.now)
    return _answer(state, chain, keys, condition, slot)


def holds(
    program: Program, state: State, chain: list[Frame], keys: Keys, condition: Condition, slot: str, **names: Json
) -> bool | Perform:
    """Tells whether the condition at `slot` holds, or gives the attempt that asks for it."""
    if isinstance(condition, Expression):
        return condition.test(environment(program, state, chain) | names, now=state.now)
    answer: bool | Perform = _answer(state, chain, keys, condition, slot)
    return answer


def _answer(state: State, chain: list[Frame], keys: Keys, function: g.Function, slot: str) -> Any | Perform:
    frame = chain[-1]
    key = _key(frame, slot)
    if key in frame.answers:
        return frame.answers[key]
    return Perform(
        path=f"{frame.path}/{slot.partition(' ')[0]}",
        node=frame.node.id,
        keys=keys,
        function=function.call,
        attempt=1,
        data=data_of(chain),
        arguments=None,
        timeout=None,
        slot=slot,
        began_at=state.now,
    )


def _key(frame: Frame, slot: str) -> str:
    # A list passes each of its nodes once, so the name says which visit is meant.
    return f"{frame.node.name} {slot}"


def settle_answer(
    program: Program, state: State, ended: Perform, outcome: Success | Failure, *, started_at: datetime, at: datetime
) -> Checkpoint | None:
    """Turns the outcome of asking a function into its checkpoint: `answered`, caught or failed.

    Gives None when nobody waits for the answer any more.
    """
    assert ended.slot is not None
    chain = chain_to(state, ended.keys)
    if chain is None:
        return None
    frame = chain[-1]
    is_there = frame.is_open and ended.path.startswith(f"{frame.path}/")
    if not is_there or _key(frame, ended.slot) in frame.answers:
        return None
    return catch(program, state, _settled(frame, ended, outcome, started_at, at))


def _settled(
    frame: Frame, ended: Perform, outcome: Success | Failure, started_at: datetime, at: datetime
) -> Checkpoint:
    assert ended.slot is not None
    if isinstance(outcome, Failure):
        return failed_attempt(frame, ended.keys, outcome, at=at, started_at=started_at)
    try:
        _text, answer = encode(outcome.value)
        result = {"of": ended.slot, "answer": answer}
        encoded = encode(result)[0]
    except NotStorable as error:
        return failed(frame, ended.keys, "ResultNotStorable", str(error), at=at, started_at=started_at)
    word = ended.slot.partition(" ")[0]
    if word not in _ANY_VALUE and not isinstance(answer, bool):
        message = f"{ended.function} answered {kind_of(answer)}; a condition is true or false"
        return failed(frame, ended.keys, "ConditionNotBool", message, at=at, started_at=started_at)
    return Checkpoint(
        path=frame.path,
        kind="answered",
        keys=ended.keys,
        result=result,
        encoded=encoded,
        started_at=started_at,
        finished_at=at,
    )


def with_answer(frame: Frame, result: Json) -> Frame:
    """Gives the frame with one more answer about the node it stands at; older nodes and turns are forgotten."""
    own = {} if isinstance(frame.opening, Turning) else frame.answers
    prefix = f"{frame.node.name} "
    kept = {key: answer for key, answer in own.items() if key.startswith(prefix)}
    return replace(frame, answers={**kept, _key(frame, result["of"]): result["answer"]})


def waiting_for_answer(frame: Frame, keys: Keys) -> tuple[Keys, ...]:
    """Gives the addresses that an answer about a node touches: its frame, and the turn that ended before an `until`."""
    return keys, *((*keys, key) for key, _inner in children_of(frame.opening))
