"""Steps that send events. Pure: the event is part of the step's checkpoint, and is stored with it or not at all."""

from __future__ import annotations

import re

import msgspec

from durable_dsl import graph as g
from durable_runtime.core.checkpoints import Checkpoint, Emitted, Keys
from durable_runtime.core.environment import environment
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State
from durable_runtime.core.values import NotStorable, as_key, encode

EXECUTION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""What an execution's id looks like."""


def emit(program: Program, state: State, chain: list[Frame], keys: Keys, action: g.Emit) -> Checkpoint:
    """Gives the checkpoint of a step that sends an event; its result is null.

    What is sent to an execution that does not exist, or has ended, goes nowhere; what can be no id fails the step.
    """
    frame = chain[-1]
    assert frame.node.values is not None
    values = frame.node.values.render(environment(program, state, chain), now=state.now)
    try:
        payload = encode(values["with"])[1]
    except NotStorable as error:
        return failed(frame, keys, "ResultNotStorable", f"what it sends: {error}", at=state.now)
    to, key = values["to"], values["key"]
    if to is not None and not (isinstance(to, str) and EXECUTION_ID.fullmatch(to)):
        return failed(frame, keys, "NotAnExecution", f"'to' gave {as_key(to)[:80]}, which is no id", at=state.now)
    done = completed(program, state, chain, keys, None, at=state.now)
    if done.error is not None:
        return done
    emitted = Emitted(name=action.event, payload=payload, to=to, key=None if to is not None else as_key(key))
    return msgspec.structs.replace(done, emitted=(emitted,))
