"""How far an execution is, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_dsl.drawing import NodeState

_OVER = ("completed", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an execution is.

    `done` of `total` nodes are over: completed, or skipped for good. Those that a branch may still take, or a failure
    may still call for, count in `total`, so that `done` reaches it when the execution completes. `items` are (done,
    total) of each foreach that has begun, `turns` how many each loop has made, both by node id.
    """

    done: int
    total: int
    items: dict[str, tuple[int, int]] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return self.done / self.total if self.total else 1.0


def progress_of(states: Mapping[str, NodeState]) -> Progress:
    """Counts the nodes of an execution."""
    return Progress(
        done=sum(state.status.value in _OVER for state in states.values()),
        total=len(states),
        items={id: (state.done or 0, state.total) for id, state in states.items() if state.total is not None},
        turns={id: state.turns for id, state in states.items() if state.turns is not None},
    )
