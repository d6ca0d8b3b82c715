"""Where a decision may jump: to a later node of its own list or of a list around it, never over a border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from durable_dsl.graph import END
from durable_dsl.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Level:
    """One list on the way from a node up to the top: its nodes' names in order, and the node the way goes through.

    `border` says what would be left by going further up ("branch 'mail' of parallel 'notify'"); None lets jumps pass.
    """

    prefix: str
    names: tuple[str, ...]
    here: int
    outer: Level | None = None
    border: str | None = None

    def later(self) -> tuple[str, ...]:
        return self.names[self.here + 1 :]


@dataclass(frozen=True, slots=True)
class BadTarget:
    """Why a target cannot be jumped to, and what to do about it."""

    reason: Literal["unknown", "backward", "border", "inside"]
    message: str
    hint: str | None = None


def resolve(goto: str, level: Level, ids: Mapping[str, str]) -> str | BadTarget:
    """Gives the target's id (`end` for itself), or why there is none. `ids` are all names of the workflow."""
    if goto == END:
        return END
    reachable: list[str] = []
    crossed: str | None = None
    at: Level | None = level
    while at is not None:
        if goto in at.names:
            if at.names.index(goto) <= at.here:
                return _backward(goto, at)
            if crossed is not None:
                return BadTarget(
                    "border",
                    f"'{goto}' lies outside {crossed}; a jump cannot leave it",
                    "use 'end' to end this list, and decide after the join where to go on",
                )
            return at.prefix + goto
        if crossed is None:
            reachable += at.later()
        crossed = crossed or at.border
        at = at.outer
    if goto in ids:
        return BadTarget(
            "inside",
            f"'{goto}' is inside {_container(ids[goto])}; a jump cannot enter another node's list",
            _targets(reachable),
        )
    return BadTarget("unknown", f"there is no node '{goto}'", did_you_mean(goto, reachable) or _targets(reachable))


def _container(node_id: str) -> str:
    """Names what holds a node, for people."""
    *above, holder, _own = node_id.split("/")
    if holder == "on_failure" and not above:
        return "'on_failure'"
    return f"'catch' of '{above[-1]}'" if holder == "catch" and above else f"'{holder}'"


def _backward(goto: str, level: Level) -> BadTarget:
    own = level.names[level.here] == goto
    where = "itself or a node around it" if own else "an earlier node"
    return BadTarget(
        "backward",
        f"'{goto}' is {where}; jumps only go forward",
        "to repeat nodes put them into a 'loop' with 'while' or 'until'",
    )


def _targets(names: list[str]) -> str:
    if not names:
        return f"nothing follows here; only '{END}' can be jumped to"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"targets from here: {shown}, {END}"
