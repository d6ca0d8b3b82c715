"""A look at what was touched against a look at everything."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from durable_runtime.core.checkpoints import Checkpoint, Keys
from durable_runtime.core.collecting import ItemResults
from durable_runtime.core.decide import decide
from durable_runtime.core.evolve import evolve
from durable_runtime.core.interpreter import collected_value, counting
from durable_runtime.core.program import Program
from durable_runtime.core.state import State, frames_of, timers_of

_INSTANT = re.compile(r"datetime\.datetime\([^)]*\)")


def differences_between_looks(program: Program, start: State, history: list[Checkpoint], now: datetime) -> list[str]:
    """Lists the checkpoints after which a look at everything finds more than a look at what was touched.

    A worker looks at what was touched, at what fell due and at what called for something before; one that folded the
    same checkpoints looks at everything. Both have to do the same.
    """
    state, found, results = start, [], ItemResults()
    looked_at = {keys for keys, commands in _everything(program, start, now).items() if commands}
    for stored in counting(history):
        # With its own number, though numbers before it are left out: events are known by theirs.
        checkpoint, state = stored, msgspec.structs.replace(state, seq=stored.seq - 1)
        if checkpoint.kind == "collected":
            value = collected_value(program, state, checkpoint, results)
            checkpoint = msgspec.structs.replace(checkpoint, result=value)
        results.add(checkpoint)
        state, touched = evolve(program, state, checkpoint)
        seen = _everything(program, state, now)
        is_ending = state.cancelled is not None or state.finished or state.root.error is not None
        if is_ending and seen[()]:
            looked_at = set(seen)  # every frame calls for the same, and the first look takes it
            continue
        looked_at |= {*touched, *(keys for due_at, keys, _path in timers_of(state) if due_at <= now)}
        missed = _union(seen) - _union({keys: commands for keys, commands in seen.items() if keys in looked_at})
        if missed:
            found.append(f"{checkpoint.kind} {checkpoint.path} ({stored.seq}) touched {touched} only: {missed}")
        looked_at = {keys for keys, commands in seen.items() if commands}
    return found


def _union(commands: dict[Keys, list[str]]) -> set[str]:
    """Two frames may call for the same, a list that is over and the container that it ends."""
    return {command for each in commands.values() for command in each}


def _everything(program: Program, state: State, now: datetime) -> dict[Keys, list[str]]:
    return {keys: _timeless(decide(program, state, keys, now)) for keys, _frame in frames_of(state.root)}


def _timeless(commands: list[Any]) -> list[str]:
    """Leaves instants out: that of the last checkpoint is in every decision, and is no reason to look again."""
    return [_INSTANT.sub("then", str(command)) for command in commands]
