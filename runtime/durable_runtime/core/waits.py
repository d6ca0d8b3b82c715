"""Waits for what comes from outside: events, people's answers, and several things at once. Pure.

A wait opens by a `waiting` checkpoint that stores what it waits for as it was then: keys, prompts and times are not
rendered again. Each thing that comes is an `arrived` checkpoint; when enough have come the wait is `completed`. The
wait is a node, or a call in the function of a step: both hold the same opening, and only how they end differs.

Of the events in the mailbox a wait takes the oldest that fits it, and each event goes to the oldest open wait that it
fits.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from durable_dsl import graph as g
from durable_runtime.core.awaiting import Awaiting, Slot
from durable_runtime.core.calls import Waiting
from durable_runtime.core.checkpoints import Checkpoint, ErrorValue, Json, Keys
from durable_runtime.core.commands import Command, Record
from durable_runtime.core.environment import environment, parse_instant, span_of
from durable_runtime.core.fitting import first_fit, misfits_of, wanting
from durable_runtime.core.open_waits import OpenWait, Place
from durable_runtime.core.outcomes import completed, failed
from durable_runtime.core.program import CompiledAwaited, Program
from durable_runtime.core.state import Frame, State, chain_to, data_of, frames_of, held_by, held_path
from durable_runtime.core.values import NotStorable, as_key, encode

Chain: TypeAlias = list[Frame]


def open_wait(program: Program, state: State, chain: Chain, keys: Keys) -> Checkpoint:
    """Gives the checkpoint that opens the wait at the end of the chain, with everything rendered."""
    frame = chain[-1]
    node = frame.node
    names = environment(program, state, chain)
    times: list[datetime] = []
    slots: dict[str, Json] = {}
    for label, awaited in node.awaited.items():
        slots[label] = _spec_of(awaited, names, state)
        if "at" in slots[label]:
            times.append(parse_instant(slots[label]["at"]))
    opened: dict[str, Json] = {"for": slots}
    if node.timeout is not None:
        times.append(state.now + span_of(node.timeout, names, state))
        opened["times_out_at"] = times[-1].isoformat()
    try:
        encoded, result = encode(opened)
    except NotStorable as error:
        return failed(frame, keys, "ResultNotStorable", f"what it waits for: {error}", at=state.now)
    checkpoint = Checkpoint(
        path=frame.path,
        kind="waiting",
        keys=keys,
        result=result,
        encoded=encoded,
        due_at=min(times, default=None),
        finished_at=state.now,
    )
    letters = state.mailbox.letters
    if not letters:
        return checkpoint
    said = misfits_of(program, state, chain, opening_of(checkpoint, state.seq + 1), letters, frame.path)
    return msgspec.structs.replace(checkpoint, log="\n".join(said) or None)


def _spec_of(awaited: CompiledAwaited, names: dict[str, Json], state: State) -> dict[str, Json]:
    """Gives what is waited for as it is stored, and shown to whoever asks what is open."""
    graph = awaited.graph
    if graph.event is not None:
        if awaited.key is None:
            return {"event": graph.event.name}
        return {"event": graph.event.name, "key": as_key(awaited.key.render(names, now=state.now))}
    if graph.ask is not None:
        assert awaited.asks is not None
        spec: dict[str, Json] = {"ask": graph.ask.kind}
        shown = awaited.asks.render(names, now=state.now)
        rest = {"choices": list(graph.ask.choices), "fields": graph.ask.fields, "schema": graph.ask.schema}
        spec.update((key, value) for key, value in {**shown, **rest}.items() if value not in (None, [], {}))
        return spec
    if awaited.for_ is not None:
        return {"at": (state.now + span_of(awaited.for_, names, state)).isoformat()}
    assert awaited.until_at is not None
    return {"at": parse_instant(awaited.until_at.render(names, now=state.now)).isoformat()}


def opening_of(checkpoint: Checkpoint, seq: int) -> Awaiting:
    """Gives the opening that a `waiting` checkpoint with this number stands for."""
    stored = checkpoint.result
    slots = {
        label: Slot(spec, parse_instant(spec["at"]) if "at" in spec else None) for label, spec in stored["for"].items()
    }
    times_out_at = parse_instant(stored["times_out_at"]) if "times_out_at" in stored else None
    return Awaiting(
        opened=seq,
        opened_at=checkpoint.finished_at,
        slots=slots,
        times_out_at=times_out_at,
        default=stored.get("default"),
    )


def with_arrived(state: State, frame: Frame, opening: Awaiting, stored: dict[str, Json]) -> Awaiting:
    """Gives the opening after an `arrived` checkpoint; an event is found in the mailbox, where it still lies.

    Unless it waits for all, the first that comes closes the rest, so that these take nothing.
    """
    label, node = stored["label"], frame.node.graph
    waits_for_all = isinstance(node, g.Wait) and bool(node.all)
    rest = {other: slot for other, slot in opening.slots.items() if other != label} if waits_for_all else {}
    value = state.mailbox.get_letter(stored["took"]).payload if "took" in stored else stored.get("value")
    return msgspec.structs.replace(opening, slots=rest, arrived={**opening.arrived, label: value})


def look(program: Program, state: State, chain: Chain, keys: Keys, now: datetime) -> list[Command]:
    """Looks at an open wait: takes what has come, in the order in which it came, then sees what fell due.

    What is there already wins over a timeout that is not stored yet.
    """
    frame = chain[-1]
    opening = held_by(frame)
    assert isinstance(opening, Awaiting)
    if not opening.slots:
        return [Record(_has_come(program, state, chain, keys, opening))]
    taken = _take(program, state, chain, keys)
    if taken is not None:
        return [Record(taken)]
    due = min(
        (
            (slot.due_at, label)
            for label, slot in opening.slots.items()
            if slot.due_at is not None and slot.due_at <= now
        ),
        default=None,
    )
    times_out = opening.times_out_at is not None and opening.times_out_at <= now
    if due is not None and (opening.times_out_at is None or due[0] <= opening.times_out_at):
        return [Record(arrived(frame, keys, {"label": due[1]}, at=now))]
    return [Record(_timed_out(program, state, chain, keys, opening, now))] if times_out else []


def _has_come(program: Program, state: State, chain: Chain, keys: Keys, opening: Awaiting) -> Checkpoint:
    frame = chain[-1]
    node = frame.node.graph
    if not isinstance(node, g.Wait):
        return _call_over(frame, keys, opening.arrived[""], at=state.now)
    value: Json
    if node.any:
        label, one = next(iter(opening.arrived.items()))
        value = {"which": label, "value": one}
    elif node.all:
        value = {label: opening.arrived[label] for label in node.all}
    else:
        value = opening.arrived[""]
    return completed(program, state, chain, keys, value, at=state.now)


def _call_over(frame: Frame, keys: Keys, value: Json, *, at: datetime) -> Checkpoint:
    """Gives the checkpoint of a call in a function whose wait is over: what came is stored by now, and fits."""
    return Checkpoint(path=held_path(frame), kind="completed", keys=keys, result=value, finished_at=at)


def call_failed(frame: Frame, keys: Keys, type: str, message: str, *, at: datetime, data: Json = None) -> Checkpoint:
    """Gives the checkpoint of a call whose wait failed; its function is told, and may go on."""
    path = held_path(frame)
    error = ErrorValue(type=type, message=message, data=data, node=path)
    return Checkpoint(path=path, kind="failed", keys=keys, error=error, finished_at=at)


def _timed_out(
    program: Program, state: State, chain: Chain, keys: Keys, opening: Awaiting, now: datetime
) -> Checkpoint:
    frame = chain[-1]
    node = frame.node.graph
    message = f"{held_path(frame)} took longer than its timeout"
    if not isinstance(node, g.Wait):
        if opening.default is None:
            return call_failed(frame, keys, "Timeout", message, at=now)
        return _call_over(frame, keys, opening.default["value"], at=now)
    if node.on_timeout is None:
        data = {"arrived": dict(opening.arrived)} if node.any or node.all else None
        return failed(frame, keys, "Timeout", message, data=data, at=now)
    if node.on_timeout.goto is not None:
        return Checkpoint(path=frame.path, kind="timed_out", keys=keys, result=node.on_timeout.goto, finished_at=now)
    assert frame.node.on_timeout is not None
    value = frame.node.on_timeout.render(environment(program, state, chain), now=state.now)
    return completed(program, state, chain, keys, value, at=now)


def arrived(frame: Frame, keys: Keys, what: dict[str, Json], *, at: datetime) -> Checkpoint:
    """Gives the checkpoint of what came for a label: `{label, took}` for an event, else `{label, value, ...}`."""
    return Checkpoint(path=held_path(frame), kind="arrived", keys=keys, result=what, finished_at=at)


def without_taken(state: State, checkpoint: Checkpoint) -> tuple[State, tuple[Keys, ...]]:
    """Takes the event that an `arrived` checkpoint tells of out of the mailbox; gives who looks for the next one."""
    if "took" not in checkpoint.result:
        return state, ()
    taken = state.mailbox.get_letter(checkpoint.result["took"])
    mailbox = state.mailbox.without(taken.seq)
    others = tuple(wanting(state, taken.name, taken.key)) if mailbox.letters else ()
    return msgspec.structs.replace(state, mailbox=mailbox), others


def _take(program: Program, state: State, chain: Chain, keys: Keys) -> Checkpoint | None:
    """Gives the checkpoint by which an event is taken, by this wait or by an older one that it fits too."""
    if not state.mailbox.letters:
        return None
    found = first_fit(program, state, chain)
    if found is None:
        return None
    letter = found[1]
    for older in wanting(state, letter.name, letter.key):
        if older == keys:
            break
        other = chain_to(state, older)
        earlier = first_fit(program, state, other) if other is not None else None
        if other is not None and earlier is not None:
            chain, keys, found = other, older, earlier
            break
    label, letter = found
    return arrived(chain[-1], keys, {"label": label, "took": letter.seq}, at=state.now)


def jumps(node: g.Node, checkpoint: Checkpoint) -> bool:
    """Tells whether the node went on elsewhere than behind itself, and not to the end of its list."""
    if checkpoint.result is None or checkpoint.result == g.END:
        return False
    return checkpoint.kind == "timed_out" or (checkpoint.kind == "completed" and isinstance(node, g.Decision))


def patch_of_nothing(chain: list[Frame]) -> dict[str, Json] | None:
    """Gives what a node writes that gave nothing: its `save` key becomes null only if it is absent."""
    save = chain[-1].node.graph.save
    return {save: None} if save is not None and save not in data_of(chain) else None


# -- what others may know


def open_waits_of(state: State) -> dict[Place, OpenWait]:
    """Gives everything that is waited for from outside."""
    found: dict[Place, OpenWait] = {}
    if not state.has_awaited or not takes_events(state):
        return found
    for number, cancel in enumerate(state.cancel_keys if state.root.error is None else ()):
        found["", str(number)] = OpenWait(
            path="",
            label=str(number),
            kind="cancel_on",
            detail={"event": cancel.event, "key": cancel.key, "compensate": cancel.compensate},
            opened_at=cancel.since,
            name=cancel.event,
            key=cancel.key,
        )
    for _keys, frame in frames_of(state.root):
        opening = held_by(frame)
        if not isinstance(opening, Awaiting):
            continue
        path = held_path(frame)
        for label, slot in opening.slots.items():
            if slot.due_at is None:
                found[path, label] = OpenWait(
                    path=path,
                    label=label,
                    kind="ask" if "ask" in slot.spec else "event",
                    detail=slot.spec,
                    opened_at=opening.opened_at,
                    name=slot.spec.get("event"),
                    key=slot.spec.get("key"),
                    due_at=opening.times_out_at,
                )
    return found


def waits_in(state: State) -> list[str]:
    """Gives the paths of all waits that are open, those for a time too."""
    if not takes_events(state):
        return []
    return [
        held_path(frame) for _keys, frame in frames_of(state.root) if isinstance(held_by(frame), Awaiting | Waiting)
    ]


def takes_events(state: State) -> bool:
    """Tells whether what comes from outside still counts: not at the end, nor once cancelled without undoing."""
    if state.finished:
        return False
    return state.cancelled is None or bool(state.cancelled.get("compensate"))
