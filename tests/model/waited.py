"""The waits of the reference. Clients of a simulated installation answer and send until nothing is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_dsl import graph as g
from durable_dsl.graph.waits import Awaited
from tests.model.outcome import LONG, SHORT, Error, Failed, Stuck, TimedOut

if TYPE_CHECKING:
    from tests.model.reference import Names, Reference, Scope

PAYLOAD = {"n": 1}
ANSWER = "yes"
"""What they always say."""

EARLY = "early"
"""An event of which each execution is sent some before it begins; the first says 2, the next 3."""

BY_KEY = "early.by.key"
"""The same, sent by the execution's own id as key."""

TOLD = "told"
"""An event for which nobody waits; each that is sent counts."""

HOW_MANY = 6


def early_mail() -> dict[str, list[Any]]:
    """Gives what an execution is sent before it begins."""
    return {name: [{"n": number} for number in range(2, HOW_MANY + 2)] for name in (EARLY, BY_KEY)}


def wait(reference: Reference, node: g.Wait, path: str, scope: Scope, names: Names) -> Any:
    """Gives the value of a wait; whether something comes before a short timeout is a matter of chance."""
    if node.event is not None and node.event.name in reference.mail:
        return _taken(reference, node.event, scope, names)
    short = isinstance(node.timeout, int) and node.timeout <= SHORT
    if isinstance(node.for_, int) and node.for_ >= LONG:
        if not short:
            raise Stuck
    elif not short or reference.choose([True, False]):
        return _what_comes(reference, node)
    if node.on_timeout is None:
        raise Failed(Error("Timeout", path, names=("Timeout", "Exception")))
    if node.on_timeout.goto is not None:
        raise TimedOut(node.on_timeout.goto)
    return reference.render(node.on_timeout.value, scope, names)


def _taken(reference: Reference, event: g.Event, scope: Scope, names: Names) -> Any:
    """What was sent first is taken first; where nothing fits that was sent, clients send something."""
    letters = reference.mail[event.name]
    for position, letter in enumerate(letters):
        if event.where is None or reference.test(event.where, scope, names | {"event": letter}):
            return letters.pop(position)
    return dict(PAYLOAD)


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
