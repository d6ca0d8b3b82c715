"""Events and the waits they fit. Pure.

Of the events in the mailbox a wait takes the oldest that fits it. One that `where` cannot be evaluated for does not
fit: it may be meant for another wait. Nobody would see that, so the checkpoint by which the two meet says it in the
log of the execution: that of the event, where the wait is open already, or that of the wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from durable_dsl.expressions import Expression, ExpressionError, compile_expression
from durable_runtime.core.awaiting import Awaiting, Slot
from durable_runtime.core.checkpoints import Json, Keys
from durable_runtime.core.environment import environment
from durable_runtime.core.mailbox import Letter
from durable_runtime.core.program import Program
from durable_runtime.core.state import Frame, State, chain_to, frames_of, held_by, held_path

Chain: TypeAlias = list[Frame]


def wanting(state: State, name: str, key: str | None) -> list[Keys]:
    """Gives the addresses of the open waits for an event of this name and key, the oldest wait first."""
    found = [
        (opening.opened, keys)
        for keys, opening in awaiting_of(state)
        if any(_wants(slot, name, key) for slot in opening.slots.values())
    ]
    return [keys for _opened, keys in sorted(found, key=lambda pair: pair[0])]


def awaiting_of(state: State) -> Iterator[tuple[Keys, Awaiting]]:
    """Yields the open waits for something from outside, with the addresses of their frames."""
    if state.has_awaited:
        for keys, frame in frames_of(state.root):
            opening = held_by(frame)
            if isinstance(opening, Awaiting):
                yield keys, opening


def _wants(slot: Slot, name: str, key: str | None) -> bool:
    return slot.spec.get("event") == name and slot.spec.get("key") == key


def first_fit(program: Program, state: State, chain: Chain) -> tuple[str, Letter] | None:
    """Gives the oldest event that fits a wait, with the first label that it fits."""
    opening = held_by(chain[-1])
    assert isinstance(opening, Awaiting)
    for letter, label, fits in _judged(program, state, chain, opening, state.mailbox.letters):
        if fits is True:
            return label, letter
    return None


def _judged(
    program: Program, state: State, chain: Chain, opening: Awaiting, letters: tuple[Letter, ...]
) -> Iterator[tuple[Letter, str, bool | ExpressionError]]:
    """Yields for each event and each label that waits for one like it whether it fits, or why nobody can tell."""
    names: dict[str, Json] | None = None
    for letter in letters:
        for label, slot in opening.slots.items():
            if not _wants(slot, letter.name, letter.key):
                continue
            where = _where(chain[-1], label, slot)
            if where is None:
                yield letter, label, True
                continue
            names = names if names is not None else environment(program, state, chain)
            try:
                fits = where.test({**names, **slot.spec.get("values", {}), "event": letter.payload}, now=state.now)
            except ExpressionError as error:
                yield letter, label, error
            else:
                yield letter, label, fits


def misfits(program: Program, state: State, letters: tuple[Letter, ...]) -> list[str]:
    """Gives, for each open wait, the events that nobody can tell whether they fit, with the reason."""
    found: list[str] = []
    for keys, opening in awaiting_of(state) if letters else ():
        chain = chain_to(state, keys)
        if chain is not None:
            found += misfits_of(program, state, chain, opening, letters, held_path(chain[-1]))
    return found


def misfits_of(
    program: Program, state: State, chain: Chain, opening: Awaiting, letters: tuple[Letter, ...], path: str
) -> list[str]:
    """Gives the same for the wait at `path`."""
    return [
        f"the event '{letter.name}' counts as not fitting '{path}{'.' if label else ''}{label}', "
        f"for its condition cannot be evaluated: {fits}"
        for letter, label, fits in _judged(program, state, chain, opening, letters)
        if isinstance(fits, ExpressionError)
    ]


def _where(frame: Frame, label: str, slot: Slot) -> Expression | None:
    """Gives the condition of an event: a node's is part of the graph, that of a call in a function is stored."""
    if frame.node.awaited:
        return frame.node.awaited[label].where
    source = slot.spec.get("where")
    return None if source is None else compile_expression(source)
