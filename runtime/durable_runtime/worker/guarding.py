"""What goes wrong in one execution stays there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Breakable(Protocol):
    """What can be ended for a reason of the engine's own."""

    def break_off(self, error: Exception) -> None: ...


B = TypeVar("B", bound=Breakable)
P = ParamSpec("P")


def guarded(method: Callable[Concatenate[B, P], None]) -> Callable[Concatenate[B, P], None]:
    """Hands what a method raises to `break_off`: its callers are the journal, the timers and the tasks of everyone."""

    def call(one: B, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(one, *args, **kwargs)
        except Exception as error:
            one.break_off(error)

    return call
