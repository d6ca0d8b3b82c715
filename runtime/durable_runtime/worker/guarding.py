"""What goes wrong in one execution stays there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, TypeVarTuple


class Breakable(Protocol):
    """What can be ended for a reason of the engine's own."""

    def break_off(self, error: Exception) -> None: ...


B = TypeVar("B", bound=Breakable)
Ts = TypeVarTuple("Ts")


def guarded(method: Callable[[B, *Ts], None]) -> Callable[[B, *Ts], None]:
    """Hands what a method raises to `break_off`: its callers are the journal, the timers and the tasks of everyone."""

    def call(one: B, /, *args: *Ts) -> None:
        try:
            method(one, *args)
        except Exception as error:
            one.break_off(error)

    return call
