"""What every part of a drawn document needs: chances, and where in the document it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
Node = dict[str, Any]

MOST_NODES = 24
NEVER = "10d"
HANGS = "2h"
AT_ONCE = "300ms"

CAUGHT = ("${ error.type }", "${ error.node }", "${ error.attempt }")
"""What expressions may read of an error."""

ERRORS = ("StepFailed", "Declined", "Fatal")


@dataclass(frozen=True)
class Place:
    """Where a list stands: what later nodes a jump may reach, and what its expressions may read.

    `most` is the number of nodes of the whole document up to which containers may be drawn here. A list is `alone` when
    it stands in no branch of a parallel and no item. What is `in_catch` may run once more when a failure is taken back.
    """

    depth: int = 0
    most: int = MOST_NODES
    targets: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    may_finish: bool = True
    alone: bool = True
    in_catch: bool = False


class Chance:
    """Draws one of several."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def pick(self, *options: Any) -> Any:
        """Draws one of these; the first is the simplest."""
        return self._draw(st.sampled_from(options))

    def number(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))

    def chance(self, percent: int) -> bool:
        # Smaller draws are simpler: what is rare is drawn by large numbers.
        return self.number(0, 99) >= 100 - percent
