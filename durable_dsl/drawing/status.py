"""How far a node got, and the look that says so: a colour, a glyph and a border, each enough to read it alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias


class NodeStatus(StrEnum):
    """Every status a node can have, in the order a legend lists them."""

    pending = "pending"
    running = "running"
    waiting = "waiting"
    retrying = "retrying"
    completed = "completed"
    skipped = "skipped"
    failed = "failed"
    cancelled = "cancelled"
    compensated = "compensated"


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a drawing shows of one node of an execution.

    `attempts` counts the first one; `turns` is for loops, `done` of `total` items for foreach; `detail` is a short
    text for people ("retry at 12:03", the type of an error).
    """

    status: NodeStatus
    attempts: int = 1
    turns: int | None = None
    done: int | None = None
    total: int | None = None
    detail: str | None = None


States: TypeAlias = Mapping[str, NodeState]
"""By node id. A node without an entry is pending."""

PENDING = NodeState(NodeStatus.pending)

Border: TypeAlias = Literal["solid", "dashed", "dotted", "double"]


@dataclass(frozen=True, slots=True)
class Look:
    """The dress of one status.

    Glyphs are ones that plain fonts have, one column wide, and that nobody replaces by a coloured picture (as happens
    to ⏸). `code` is for terminals without Unicode.
    """

    glyph: str
    code: str
    fill: str
    stroke: str
    border: Border
    width: float
    ansi: str


# No two share glyph, nor border and width together: print in black and white stays readable.
LOOKS: Mapping[NodeStatus, Look] = {
    NodeStatus.pending: Look("○", "[ ]", "#ffffff", "#94a3b8", "solid", 1.0, "2"),
    NodeStatus.running: Look("▶", "[>]", "#dbeafe", "#1d4ed8", "solid", 2.6, "34"),
    NodeStatus.waiting: Look("‖", "[=]", "#fef3c7", "#b45309", "dashed", 1.4, "33"),
    NodeStatus.retrying: Look("↻", "[~]", "#ffedd5", "#c2410c", "dashed", 2.6, "33"),
    NodeStatus.completed: Look("✓", "[+]", "#dcfce7", "#15803d", "solid", 1.6, "32"),
    NodeStatus.skipped: Look("»", "[-]", "#f8fafc", "#94a3b8", "dotted", 1.2, "2"),
    NodeStatus.failed: Look("✗", "[x]", "#fee2e2", "#b91c1c", "double", 1.4, "31"),
    NodeStatus.cancelled: Look("⊘", "[/]", "#e5e7eb", "#4b5563", "dotted", 2.6, "35"),
    NodeStatus.compensated: Look("↩", "[<]", "#f3e8ff", "#7e22ce", "double", 2.2, "35"),
}

INK = "#0f172a"
FAINT = "#64748b"
LINE = "#94a3b8"
"""Text, small text and lines where no status says otherwise."""
RED = LOOKS[NodeStatus.failed].stroke
"""What has to do with errors."""


def state_of(node_id: str, states: States | None) -> NodeState | None:
    """Gives the state to draw; None when the drawing shows no execution at all."""
    return None if states is None else states.get(node_id, PENDING)


def statuses_shown(node_ids: Iterable[str], states: States) -> list[NodeStatus]:
    """Lists the statuses that a drawing of these nodes shows, for its legend."""
    seen = {states.get(node_id, PENDING).status for node_id in node_ids}
    return [status for status in NodeStatus if status in seen]


def status_words(state: NodeState) -> str:
    """Says a state in words: `retrying · attempt 3 · retry at 12:03`."""
    words = [state.status.value]
    if state.attempts > 1:
        words.append(f"attempt {state.attempts}" if state.status in _UNDER_WAY else f"{state.attempts} attempts")
    if state.turns is not None:
        words.append(f"turn {state.turns}" if state.status in _UNDER_WAY else _count(state.turns, "turn"))
    if state.done is not None:
        words.append(f"{state.done} of {state.total}" if state.total is not None else f"{state.done} done")
    if state.detail:
        words.append(state.detail)
    return " · ".join(words)


_UNDER_WAY = frozenset({NodeStatus.running, NodeStatus.waiting, NodeStatus.retrying})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
