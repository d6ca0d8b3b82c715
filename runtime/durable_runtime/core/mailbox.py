"""What an execution has been sent and no wait has taken yet. Pure."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any

REMEMBERED = 256
"""Events sent to the execution itself that are known by their id. One is sent again within seconds, or not at all."""


class Letter(msgspec.Struct, frozen=True):
    """An event that waits to be taken. `seq` is the number of its `received` checkpoint; `key` that of a broadcast."""

    seq: int
    name: str
    key: str | None
    payload: Json


class Mailbox(msgspec.Struct, frozen=True):
    """Events in the order in which they were received, and which ones ever were, so that none is received twice.

    `broadcasts` are the ids of all events that were sent by key, `sent` the last ones sent to this execution, `once`
    all that whoever sent them gave an id of their own.
    """

    letters: tuple[Letter, ...] = ()
    broadcasts: frozenset[int] = frozenset()
    sent: tuple[str, ...] = ()
    once: frozenset[str] = frozenset()

    def knows(self, event: Json) -> bool:
        """Tells whether an event was received before, by the id it came with."""
        if "event" in event:
            return event["event"] in self.broadcasts
        return event["once"] in self.once if "once" in event else event.get("id") in self.sent

    def with_letter(self, seq: int, event: Json) -> Mailbox:
        """Gives the mailbox with one more: `{name, payload}` with the `id` of what was sent to this execution, or the
        sender's own id, `once`; or with `key` and the `event` of a broadcast.
        """
        letter = Letter(seq, event["name"], event.get("key"), event.get("payload"))
        broadcasts, sent, once = self.broadcasts, self.sent, self.once
        if "event" in event:
            broadcasts |= {event["event"]}
        elif "once" in event:
            once |= {event["once"]}
        elif "id" in event:
            sent = (*sent[1 - REMEMBERED :], event["id"])
        return Mailbox((*self.letters, letter), broadcasts, sent, once)

    def without(self, seq: int) -> Mailbox:
        """Gives the mailbox after a wait took the letter with this number."""
        return msgspec.structs.replace(self, letters=tuple(letter for letter in self.letters if letter.seq != seq))

    def get_letter(self, seq: int) -> Letter:
        """Gives the letter with this number; raises `KeyError` when it was taken or never received."""
        for letter in self.letters:
            if letter.seq == seq:
                return letter
        raise KeyError(seq)


EMPTY = Mailbox()
