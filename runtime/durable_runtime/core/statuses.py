"""How far every node of a graph got, for drawings: history for what is over, the open frames for what is not.

A node inside of a foreach has many instances and one status: what is open there counts first, then what failed, then what
completed. A node inside of a loop has that of the current turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from durable_dsl import graph as g
from durable_dsl.drawing import NodeState, NodeStatus
from durable_runtime.core.checkpoints import Checkpoint
from durable_runtime.core.program import Block, CompiledNode, Program
from durable_runtime.core.state import (
    Each,
    Forked,
    Frame,
    Inside,
    Retrying,
    State,
    Turning,
    Waiting,
    children_of,
    frames_of,
)

_INSTANCE = re.compile(r"\[\d+\]|#\d+")
_ENDED = (NodeStatus.failed, NodeStatus.completed, NodeStatus.skipped)
"""How an instance can be over; of many instances the first in this order is shown."""
_ALIVE = (NodeStatus.running, NodeStatus.retrying, NodeStatus.waiting)
_UNDER_WAY = frozenset({"pending", "running", "waiting"})


def statuses(
    program: Program, state: State, checkpoints: Iterable[Checkpoint], row_status: str
) -> dict[str, NodeState]:
    """Gives the state of every node by its id.

    `state` is the fold of all `checkpoints`; `row_status` is the execution's. An open step without a checkpoint is running when the
    execution is; nodes of cases not taken, or jumped over, are skipped once the execution has passed them.
    """
    view = _View(_history(program, checkpoints), state.now, row_status)
    if row_status == "completed":
        view.over(program.root, unfinished=NodeStatus.cancelled)
    elif row_status in _UNDER_WAY:
        view.open(state.root, repeated=False)
    else:
        view.stopped(state.root)
    return {id: view.found.get(id, NodeState(NodeStatus.pending)) for id in program.nodes}
