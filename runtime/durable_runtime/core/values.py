"""The border of JSON: what may be stored, and the promise that memory holds exactly what was stored.

Everything a user's code hands over goes through `encode` before it is seen by anything else; what goes on in memory
is `decode` of the very text that is stored. So a resumed execution cannot differ from one that was never interrupted.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

import msgspec

Json: TypeAlias = Any

MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest value, as JSON text in UTF-8, that one node may give."""

MAX_DEPTH: Final = 200
"""How deep lists and mappings may nest; PostgreSQL's and Python's parsers both go further."""

INT64: Final = range(-(2**63), 2**63)

# ensure_ascii=False keeps texts readable in the database and makes a lone surrogate fail when the text is encoded.
_encode_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# Many times faster, and the same text but for how a float's exponent is written. It takes more types than JSON has;
# what is read back does not equal these, and that is seen.
_encode_fast = msgspec.json.Encoder().encode
_decode = msgspec.json.decode
_suspicious = re.compile(rb"\\u0000|[0-9]{19}")


class NotStorable(ValueError):
    """A value cannot be stored as JSON; the message says which part and why."""


def decode(encoded: bytes | str) -> Json:
    """Reads a stored value."""
    return _decode(encoded)


def encode(value: Json, *, max_bytes: int = MAX_BYTES) -> tuple[bytes, Json]:
    """Gives the JSON text of a value and the value as it will be read back.

    Tuples become lists. Raises `NotStorable` for what JSON or PostgreSQL cannot hold (other types, keys that are not
    text, NaN, infinities, integers beyond 64 bits, NUL, lone surrogates), for cycles, and for more than `max_bytes`.
    """
    try:
        encoded = _encode_fast(value)
    except Exception:
        encoded = _encode_slowly(value)
    if len(encoded) > max_bytes:
        raise NotStorable(
            f"the value takes {len(encoded):,} bytes as JSON; at most {max_bytes:,} are allowed: "
            "store large content elsewhere and pass a reference"
        )
    try:
        stored = _decode(encoded)
    except (msgspec.MsgspecError, RecursionError):
        raise NotStorable(_explain(value) or f"the value nests deeper than {MAX_DEPTH} levels") from None
    # Equal means that nothing was bent on the way (1 == 1.0 == True cannot mislead here: JSON keeps the three apart).
    # What is not equal is looked at: tuples and text subclasses are harmless, keys that were turned into text are not.
    if _differs(stored, value) or _suspicious.search(encoded):
        reason = _explain(value)
        if reason:
            raise NotStorable(reason)
    return encoded, stored


def _differs(stored: Json, value: Json) -> bool:
    try:
        return bool(stored != value)
    except Exception as error:
        # An author's class may raise anything when it is compared.
        raise NotStorable(f"the value cannot be read: {type(error).__name__}: {error}") from None


def _encode_slowly(value: Json) -> bytes:
    """Encodes what JSON can hold though it is of another class, or tells why it cannot."""
    try:
        return _encode_text(value).encode()
    except UnicodeEncodeError:
        raise NotStorable(_explain(value) or "a text holds a lone surrogate, which UTF-8 cannot hold") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise NotStorable(_explain(value) or f"the value is not JSON: {error}") from None
    except Exception as error:
        # An author's class, or a mapping that another thread changes meanwhile, may raise anything while it is read.
        raise NotStorable(f"the value cannot be read: {type(error).__name__}: {error}") from None


def as_key(value: Json) -> str:
    """Gives an event's key as the text it is compared by; numbers and texts that read alike are alike."""
    return value if isinstance(value, str) else encode(value)[0].decode()


def _explain(value: Json, place: str = "the value", depth: int = 0) -> str | None:
    """Finds the first part that cannot be stored, or gives None."""
    if value is None or isinstance(value, bool):
        return None
    if depth > MAX_DEPTH:
        return f"the value nests deeper than {MAX_DEPTH} levels, or holds itself"
    if isinstance(value, str):
        if "\x00" in value:
            return f"{place} holds a NUL character, which PostgreSQL cannot store"
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{place} holds a lone surrogate, which UTF-8 cannot hold"
        return None
    if isinstance(value, int):
        return None if value in INT64 else f"{place} is an integer beyond 64 bits; store it as text"
    if isinstance(value, float):
        return None if value - value == 0 else f"{place} is {value!r}, which JSON cannot hold"
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                return f"{place} has the key {key!r}; keys must be text"
            reason = _explain(key, f"a key of {place}", depth) or _explain(inner, f"{place}[{key!r}]", depth + 1)
            if reason:
                return reason
        return None
    if isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            reason = _explain(inner, f"{place}[{index}]", depth + 1)
            if reason:
                return reason
        return None
    return (
        f"{place} is of type {type(value).__name__}, which is not JSON; convert it to text, numbers, lists and mappings"
    )
