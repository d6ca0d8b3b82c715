"""The values an expression works on that JSON does not have, and how any two values compare.

Inside an expression a value is a plain dict, list, str, int, float, bool or None, or one of the classes here. All
decisions are made on the exact class (`type(x) is int`), so that a bool is never an int.
"""

from __future__ import annotations

from typing import Any, Final

from durable_dsl.expressions.budget import Frame, spend, spend_text
from durable_dsl.expressions.errors import Failure

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


class Uint(int):
    """An unsigned 64-bit integer; equal to an int of the same value, of another type in arithmetic."""

    __slots__ = ()


class Timestamp(int):
    """An instant: nanoseconds since 1970-01-01T00:00:00Z."""

    __slots__ = ()


class Duration(int):
    """A span of time in nanoseconds; 64 bits hold some 292 years."""

    __slots__ = ()


class TypeName:
    """What `type(x)` gives; there is one object per type, in TYPES_BY_NAME."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Maybe:
    """A value that may be missing: what `.?field`, `[?key]` and `optional.of(x)` give."""

    __slots__ = ("present", "value")

    def __init__(self, present: bool, value: Any = None) -> None:
        self.present = present
        self.value = value


class BoolKey:
    """A bool as the key of a map: Python takes True and 1 for the same key, CEL does not."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


NOTHING: Final = Maybe(False)
TRUE_KEY: Final = BoolKey(True)
FALSE_KEY: Final = BoolKey(False)

NUMBERS: Final[frozenset[type]] = frozenset({int, float, Uint})
ORDERED: Final[frozenset[type]] = frozenset({str, bool, bytes, Timestamp, Duration})

_TYPE_NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    type(None): "null_type",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeName: "type",
    Maybe: "optional_type",
}

# The types that can be written as a plain name; `type(x) == string`.
TYPES_BY_NAME: Final[dict[str, TypeName]] = {name: TypeName(name) for name in _TYPE_NAMES.values()}

# What is frozen takes several times the room of a reference.
_FREEZING: Final = 4

_PLAIN_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    Timestamp: "timestamp",
    Duration: "duration",
    Maybe: "optional",
}


def type_of(value: Any) -> TypeName:
    """Give the CEL type of a value; raises Failure for a Python value that CEL does not know."""
    name = _TYPE_NAMES.get(type(value))
    if name is None:
        raise Failure(f"a {type(value).__name__} is not a value that expressions know")
    return TYPES_BY_NAME[name]


def kind_name(kind: type) -> str:
    """Name a type the way error messages do: 'string', 'timestamp', 'null'."""
    return _PLAIN_NAMES.get(kind) or _TYPE_NAMES.get(kind) or kind.__name__


def kind(value: Any) -> str:
    """Name the type of a value the way error messages do."""
    return kind_name(type(value))


def shown(number: int) -> str:
    """Write an int for a message; one of thousands of digits cannot be written at all."""
    return str(number) if INT_MIN <= number <= UINT_MAX else "beyond 64 bits"


def map_key(value: Any) -> Any:
    """Give the key under which a map holds `value`, or None if no key equals it."""
    of = type(value)
    if of is str or of is int or of is Uint:
        return value
    if of is bool:
        return TRUE_KEY if value else FALSE_KEY
    if of is float and value.is_integer():
        return int(value)
    return None


def key_value(key: Any) -> Any:
    """Give back the value that `map_key` made a key of."""
    return key.value if type(key) is BoolKey else key


def equal(left: Any, right: Any, frame: Frame) -> bool:
    """Compare as CEL's `==` does: numbers across types, everything else only within its type."""
    of, other = type(left), type(right)
    if of is not other:
        return of in NUMBERS and other in NUMBERS and bool(left == right)
    if of is list:
        if len(left) != len(right):
            return False
        spend(frame, 2 + len(left))
        return all(equal(a, b, frame) for a, b in zip(left, right, strict=True))
    if of is dict:
        if len(left) != len(right):
            return False
        spend(frame, 2 + sum([1 + (len(key) >> 6 if type(key) is str else 0) for key in left]))
        return all(key in right and equal(value, right[key], frame) for key, value in left.items())
    if of is str or of is bytes:
        if len(left) != len(right):
            return False
        spend_text(frame, len(left))
        return bool(left == right)
    if of is Maybe:
        return left.present is right.present and (not left.present or equal(left.value, right.value, frame))
    return bool(left == right)


def contains(items: list[Any], wanted: Any, frame: Frame) -> bool:
    """Say whether a list holds a value equal to `wanted`."""
    spend(frame, len(items))
    if type(wanted) is str:
        spend(frame, len(items) * (len(wanted) >> 6))
        # Only a str is ever equal to a str, so the search may run in C.
        return wanted in items
    return any(equal(wanted, item, frame) for item in items)


def freeze(value: Any, frame: Frame) -> Any:
    """Give something hashable that is the same for two values exactly if they are equal (NaN never is)."""
    of = type(value)
    if of is list:
        spend(frame, _FREEZING * (1 + len(value)))
        return (list, tuple([freeze(item, frame) for item in value]))
    if of is dict:
        spend(frame, _FREEZING * (1 + len(value)))
        return (dict, frozenset([(key, freeze(item, frame)) for key, item in value.items()]))
    if of is Maybe:
        return (Maybe, value.present, freeze(value.value, frame))
    return (int if of in NUMBERS else of, value)
