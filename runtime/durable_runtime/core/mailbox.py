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


MOST_BROADCASTS = 256
"""Events sent by key that are known by their id before it is asked which of them can never come again."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What can never come again of the events of a name and a key, for a look has given all of them.

    They were stored by transactions `before` this one, and their ids go up to `upto`. Neither alone would do: ids are
    given before what has them is there to be seen, and a database that is restored elsewhere counts transactions anew.
    """

    name: str
    key: str
    before: int
    upto: int

    def covers(self, event: Json) -> bool:
        """Tells whether an event of this name and key is one of them."""
        return bool(event["xid"] < self.before and event["event"] <= self.upto)


class Mailbox(msgspec.Struct, frozen=True):
    """Events in the order in which they were received, and which ones ever were, so that none is received twice.

    `broadcasts` are the ids of events that were sent by key, but for those that are `settled`; `sent` are the last ones
    sent to this execution, `once` all that whoever sent them gave an id of their own.
    """

    letters: tuple[Letter, ...] = ()
    broadcasts: frozenset[int] = frozenset()
    sent: tuple[str, ...] = ()
    once: frozenset[str] = frozenset()
    settled: tuple[Settled, ...] = ()

    def knows(self, event: Json) -> bool:
        """Tells whether an event was received before, by the id it came with."""
        if "event" in event:
            settled = self.find_settled(event["name"], event["key"])
            return event["event"] in self.broadcasts or (settled is not None and settled.covers(event))
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
        return Mailbox((*self.letters, letter), broadcasts, sent, once, self.settled)

    def find_settled(self, name: str, key: str) -> Settled | None:
        """Gives what is settled of a name and a key, or None."""
        return next((one for one in self.settled if (one.name, one.key) == (name, key)), None)

    def with_settled(self, looked: Json) -> Mailbox:
        """Gives the mailbox after a look: `{name, key, before, upto}`, and the ids that need not be known any more.

        Of names and keys that nothing is known of any more, what was settled stays; there are as many as were settled.
        """
        new = Settled(name=looked["name"], key=looked["key"], before=looked["before"], upto=looked["upto"])
        others = tuple(one for one in self.settled if (one.name, one.key) != (new.name, new.key))
        return msgspec.structs.replace(
            self, broadcasts=self.broadcasts - frozenset(looked["gone"]), settled=(*others, new)
        )

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
