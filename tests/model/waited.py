"""The waits of the reference. Clients of a simulated installation answer and send until nothing is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_dsl import graph as g
from durable_dsl.graph.waits import Awaited
from tests.model.outcome import LONG, SHORT, Error, Failed, Stuck

if TYPE_CHECKING:
    from tests.model.reference import Names, Reference, Scope

PAYLOAD = {"n": 1}
ANSWER = "yes"
"""What they always say."""

EARLY = "early"
"""An event of which each execution is sent some before it begins; the first says 1, the next 2."""

HOW_MANY = 6


def wait(reference: Reference, node: g.Wait, path: str, scope: Scope, names: Names) -> Any:
    """Gives the value of a wait; whether something comes before a short timeout is a matter of chance."""
    if node.event is not None and node.event.name == EARLY:
        reference.taken += 1  # those that were sent first are taken first
        return {"n": reference.taken} if reference.taken <= HOW_MANY else dict(PAYLOAD)
    short = isinstance(node.timeout, int) and node.timeout <= SHORT
    if isinstance(node.for_, int) and node.for_ >= LONG:
        if not short:
            raise Stuck
    elif not short or reference.choose([True, False]):
        return _what_comes(reference, node)
    if node.on_timeout is None:
        raise Failed(Error("Timeout", path, names=("Timeout", "Exception")))
    return reference.render(node.on_timeout.value, scope, names)


def _what_comes(reference: Reference, node: g.Wait) -> Any:
    values = {path: _value_of(awaited) for path, awaited in node.awaited()}
    if node.any:
        _any, label = reference.choose(list(values))
        return {"which": label, "value": values["any", label]}
    if node.all:
        return {label: value for (_all, label), value in values.items()}
    return values[()]


def _value_of(awaited: Awaited) -> Any:
    if awaited.event is not None:
        return dict(PAYLOAD)
    return ANSWER if awaited.ask is not None else None
