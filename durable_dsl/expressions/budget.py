"""The frame an expression runs in, and the budget that makes every evaluation end.

A frame is one list: the environment, the steps left, the instant `now`, then one place for each variable that a macro
binds. CEL has no recursion, so every variable can have its place fixed when the expression is compiled.

One step pays for one operation, for one element of a list or a map that is built, compared or looked at, and for
eight characters of text. A macro pays for its whole body each time round, which is why a closure needs no
accounting of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from durable_dsl.expressions.errors import BudgetExhausted

Frame: TypeAlias = list[Any]
Code: TypeAlias = Callable[[Frame], Any]

ENV = 0
STEPS = 1
NOW = 2
FIRST_LOCAL = 3

# Usually less than a second of work on one core, three at worst, and at most 40 million characters of text.
DEFAULT_BUDGET = 5_000_000
CHARACTERS_PER_STEP = 8


def spend(frame: Frame, steps: int) -> None:
    """Take `steps` from the frame's budget; raises BudgetExhausted once it is used up."""
    frame[STEPS] -= steps
    if frame[STEPS] < 0:
        raise BudgetExhausted


def spend_text(frame: Frame, characters: int) -> None:
    """Pay for text of this length that is about to be built or searched."""
    frame[STEPS] -= characters // CHARACTERS_PER_STEP + 1
    if frame[STEPS] < 0:
        raise BudgetExhausted
