"""The ids of executions: UUIDs, by default of version 7, which sort by the time they were made."""

from __future__ import annotations

import os
import struct
import time
from uuid import UUID

from durable_runtime.errors import UnknownExecution

_RANDOM, _VARIANT = (1 << 62) - 1, 0b10 << 62


def new_id() -> str:
    """Gives a new UUID of version 7 as text.

    48 bits of milliseconds since 1970, 12 bits of the fraction of that millisecond, 62 random bits (RFC 9562,
    sections 5.7 and 6.2 method 3).
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """Gives so many new ids, each of which sorts after the one before: one quarter of a microsecond later."""
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    first = milliseconds << 12 | (nanoseconds << 12) // 1_000_000
    found = []
    for tick, random in enumerate(struct.unpack(f"!{count}Q", os.urandom(8 * count)), first):
        digits = f"{tick >> 12:012x}7{tick & 0xFFF:03x}{random & _RANDOM | _VARIANT:016x}"
        found.append(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
    return found


def find_id(text: str) -> str | None:
    """Gives a UUID in the form in which it is stored; None when the text is no UUID, so nothing has it as its id."""
    try:
        return str(UUID(text))
    except (ValueError, AttributeError, TypeError):
        return None


def known(id: str) -> str:
    """Gives an id as it is stored; what is no UUID is nobody's id."""
    public_id = find_id(id)
    if public_id is None:
        raise unknown(id)
    return public_id


def unknown(id: str) -> UnknownExecution:
    """Gives the error for an id that nobody has."""
    hint = "" if find_id(id) else "; ids are UUIDs, such as 0198c1a2-7d3e-7b11-9f00-3a5e8c2d4b6f"
    return UnknownExecution(f"there is no execution {id!r} in this database{hint}")
