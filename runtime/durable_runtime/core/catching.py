"""Which failure is caught, and by which row. Decided when the failure is recorded, so that one checkpoint says both."""

from __future__ import annotations

import msgspec

from durable_dsl.expressions import ExpressionError
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.environment import environment
from durable_runtime.core.program import Program
from durable_runtime.core.state import Catching, State, Undoing, chain_to

replace = msgspec.structs.replace


def catch(program: Program, state: State, checkpoint: Checkpoint) -> Checkpoint:
    """Turns a `failed` checkpoint into `caught` or `ignored` where its node says so; gives every other one back.

    The first row that fits takes the error. An error within a row's own list, or in undoing for it, is not caught by
    the same node again.
    """
    if checkpoint.kind != "failed" or not checkpoint.path or checkpoint.keys is None or checkpoint.error is None:
        return checkpoint
    chain = chain_to(state, checkpoint.keys)
    if chain is None or chain[-1].path != checkpoint.path:
        return checkpoint  # a call in a function: its function is told, and the step may still work
    node, graph, error = chain[-1].node, chain[-1].node.graph, checkpoint.error
    if graph.catch and not isinstance(chain[-1].opening, Catching | Undoing):
        names = environment(program, state, chain) | {"error": error.as_json()}
        # Whatever class an error has, or none at all as those of the engine: it is an Exception.
        types = {error.type, *error.names, "Exception"}
        for index, row in enumerate(graph.catch):
            when = node.catch_when[index]
            if row.errors and types.isdisjoint(row.errors):
                continue
            try:
                if when is None or when.test(names, now=state.now):
                    return replace(checkpoint, kind="caught", result=index, due_at=None)
            except ExpressionError as problem:
                # The first error must not be hidden by a second one.
                message = f"{error.message} (and a condition of its 'catch' failed: {problem})"
                return replace(checkpoint, error=replace(error, message=message))
    # A cancel waits for what a `catch` undoes: what could not be undone there must be told, and is not ignored.
    is_told = state.cancelled is not None and isinstance(chain[-1].opening, Undoing)
    return replace(checkpoint, kind="ignored") if graph.ignore_errors and not is_told else checkpoint
