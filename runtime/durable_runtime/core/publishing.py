"""Steps that publish values. Pure: they are part of the step's checkpoint, and are shown with it or not at all."""

from __future__ import annotations

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Json, Keys
from durable_runtime.core.environment import environment
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State
from durable_runtime.core.values import NotStorable, encode


def publish(program: Program, state: State, chain: list[Frame], keys: Keys) -> Checkpoint:
    """Gives the checkpoint of a step that publishes; its result are the values by name."""
    frame = chain[-1]
    assert frame.node.values is not None
    try:
        values: dict[str, Json] = encode(frame.node.values.render(environment(program, state, chain), now=state.now))[1]
    except NotStorable as error:
        return failed(frame, keys, "ResultNotStorable", f"what it publishes: {error}", at=state.now)
    done = completed(program, state, chain, keys, values, at=state.now)
    return done if done.error is not None else msgspec.structs.replace(done, published=values)
