"""The structs of the core as JSON and back, by the annotations of their fields. Pure.

What the annotations say is all there is to know: a field that is added, or an opening of a new kind, needs nothing
here, and an annotation that cannot be written fails when the codec is made. Fields that have their default are left
out, so a text that was written before a field existed can be read.

Values of users are written once, however often a state holds them, and are shared again when they are read: a thousand
items of a foreach begin with the same data. A mapping that is another one with some keys changed is written as these.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from durable_runtime.core.program import Block
from durable_runtime.core.shelf import Shelf

Json: TypeAlias = Any
Write: TypeAlias = "Callable[[Any, Written], Json]"
Read: TypeAlias = "Callable[[Json, Stored], Any]"
Pair: TypeAlias = tuple[Write, Read]

_SHORT = 32
"""Characters up to which a text is written where it stands."""

_LARGE = 8
"""Keys from which a mapping is worth being what the next one differs from."""

_MICROSECOND = timedelta(microseconds=1)


class Unreadable(Exception):
    """A text was not written by this codec, or holds what this release does not know."""


class Written:
    """The values of users that were written so far, each with its number.

    `values` are JSON; `maps` are mappings, whose values stand among these or, if they are short, where they belong.
    Numbers go by identity: what is written must live as long as this.
    """

    def __init__(self) -> None:
        self.values: list[Json] = []
        self.maps: list[Json] = []
        self._numbers: dict[int, int] = {}
        self._map_numbers: dict[int, int] = {}
        self._last: tuple[int, dict[str, Json]] | None = None

    def slot(self, value: Json) -> Json:
        """Gives a value as it stands in its place: itself if it is short, else its number in a list."""
        if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _SHORT):
            return value
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self.values)
            self.values.append(value)
        return [number]

    def map(self, value: dict[str, Json]) -> int:
        """Gives the number of a mapping."""
        number = self._map_numbers.get(id(value))
        if number is None:
            written = self._changed(value)
            number = self._map_numbers[id(value)] = len(self.maps)
            self.maps.append(written)
            if len(value) >= _LARGE:
                self._last = (number, value)
        return number

    def _changed(self, value: dict[str, Json]) -> Json:
        """Writes a mapping: what differs from the large one before it, if that is less and keeps their order."""
        if self._last is not None:
            number, base = self._last
            changed = {key: each for key, each in value.items() if key not in base or base[key] is not each}
            if 2 * len(changed) < len(value) and list({**base, **changed}) == list(value):
                return {"base": number, "keys": {key: self.slot(each) for key, each in changed.items()}}
        return {"keys": {key: self.slot(each) for key, each in value.items()}}


class Stored:
    """The values of users that were read, and the blocks of the program that the structs belong to."""

    def __init__(self, values: list[Json], maps: list[Json], blocks: dict[str, Block]) -> None:
        self.blocks = blocks
        self.maps: list[dict[str, Json]] = []
        self._values = values
        for one in maps:
            base = self.maps[one["base"]] if "base" in one else {}
            self.maps.append({**base, **{key: self.value(slot) for key, slot in one["keys"].items()}})

    def value(self, slot: Json) -> Json:
        return self._values[slot[0]] if isinstance(slot, list) else slot


class Codec:
    """Writes and reads structs of one type, and of all that it holds. `shape` tells every type with its fields."""

    def __init__(self, root: type[msgspec.Struct]) -> None:
        self._structs: dict[type, Pair] = {}
        self._shapes: list[str] = []
        self._write, self._read = self._struct(root)
        self.shape = "\n".join(sorted(self._shapes))

    def write(self, value: msgspec.Struct) -> bytes:
        """Gives the JSON text of a struct."""
        written = Written()
        root = self._write(value, written)
        return msgspec.json.encode({"root": root, "maps": written.maps, "values": written.values})

    def read(self, text: bytes | str, blocks: dict[str, Block]) -> Any:
        """Gives the struct of a text; raises `Unreadable`."""
        try:
            whole = msgspec.json.decode(text)
            return self._read(whole["root"], Stored(whole["values"], whole["maps"], blocks))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    # -- what an annotation means

    def _of(self, hint: Any) -> Pair:
        """Gives how values of an annotation are written and read."""
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is Any:
            return (lambda value, to: to.slot(value)), (lambda slot, of: of.value(slot))
        if hint in (str, int, bool):
            return _as_is, _as_is
        if hint is datetime:
            return _write_time, _read_time
        if hint is timedelta:
            return _write_span, _read_span
        if hint is Block:
            return (lambda block, _to: block.name), (lambda name, of: of.blocks[name])
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self._struct(hint)
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        if origin is dict and arguments == (str, Any):
            return (lambda value, to: to.map(value)), (lambda number, of: of.maps[number])
        if origin is dict and arguments[0] in (str, int):
            return self._pairs(dict, arguments[1])
        if origin is Shelf:
            return self._pairs(Shelf, arguments[0])
        if origin is list or origin is frozenset or (origin is tuple and arguments[1:] == (...,)):
            return self._sequence(origin, arguments[0])
        raise TypeError(f"{hint} cannot be written")

    def _sequence(self, kind: Any, hint: Any) -> Pair:
        write, read = self._of(hint)
        order: Any = sorted if kind is frozenset else iter

        def write_all(values: Any, to: Written) -> Json:
            return [write(value, to) for value in order(values)]

        def read_all(values: Json, of: Stored) -> Any:
            return kind(read(value, of) for value in values)

        return write_all, read_all

    def _pairs(self, kind: Any, hint: Any) -> Pair:
        write, read = self._of(hint)

        def write_all(values: Any, to: Written) -> Json:
            return [(key, write(value, to)) for key, value in values.items()]

        def read_all(pairs: Json, of: Stored) -> Any:
            return kind({key: read(value, of) for key, value in pairs})

        return write_all, read_all

    def _union(self, arguments: tuple[Any, ...]) -> Pair:
        """Gives the pair of one of several: of texts and numbers, of one thing or None, of structs with their names."""
        kinds = [each for each in arguments if each is not type(None)]
        if all(each in (str, int, bool) for each in kinds):
            return _as_is, _as_is
        if len(kinds) == 1:
            write_one, read_one = self._of(kinds[0])
            return (
                lambda value, to: None if value is None else write_one(value, to),
                lambda value, of: None if value is None else read_one(value, of),
            )
        for each in kinds:
            self._struct(each)
        by_name = {each.__name__: each for each in kinds}

        def write(value: Any, to: Written) -> Json:
            return None if value is None else [type(value).__name__, self._structs[type(value)][0](value, to)]

        def read(value: Json, of: Stored) -> Any:
            return None if value is None else self._structs[by_name[value[0]]][1](value[1], of)

        return write, read

    def _struct(self, cls: type[msgspec.Struct]) -> Pair:
        """Gives the pair of a struct. One that holds another of its own kind, and so on, is written as a list."""
        if cls not in self._structs:
            hints = get_type_hints(cls)
            link = next((name for name, hint in hints.items() if hint == (cls | None)), None)
            fields: _Fields = {}
            pair = (_fields_written(fields), _fields_read(cls, fields))
            # Before its fields are looked at, for what it holds may hold it.
            self._structs[cls] = pair if link is None else _chained(*pair, link)
            infos = msgspec.structs.fields(cls)
            fields |= {one.name: (one, self._of(hints[one.name])) for one in infos if one.name != link}
            self._shapes.append(f"{cls.__name__}({', '.join(f'{one.name}: {hints[one.name]}' for one in infos)})")
        return self._structs[cls]


_Fields: TypeAlias = dict[str, tuple[msgspec.structs.FieldInfo, Pair]]


def _fields_written(fields: _Fields) -> Write:
    def write(value: Any, to: Written) -> Json:
        found = {}
        for name, (field, (write_field, _read)) in fields.items():
            inner = getattr(value, name)
            if not _is_default(field, inner):
                found[name] = write_field(inner, to)
        return found

    return write


def _fields_read(cls: type[msgspec.Struct], fields: _Fields) -> Read:
    def read(value: Json, of: Stored) -> Any:
        return cls(**{name: fields[name][1][1](inner, of) for name, inner in value.items()})

    return read


def _chained(write_one: Write, read_one: Read, link: str) -> Pair:
    def write(value: Any, to: Written) -> Json:
        found = []
        while value is not None:
            found.append(value)
            value = getattr(value, link)
        # From the end, which is the oldest: what came later differs little from what was before it.
        return [write_one(each, to) for each in reversed(found)]

    def read(values: Json, of: Stored) -> Any:
        last = None
        for value in values:
            last = msgspec.structs.replace(read_one(value, of), **{link: last})
        return last

    return write, read


def _is_default(field: msgspec.structs.FieldInfo, value: Any) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return not value
    default = field.default
    return value is default or (default is not msgspec.NODEFAULT and type(value) is type(default) and value == default)


def _as_is(value: Any, _around: Any) -> Any:
    return value


def _write_time(instant: datetime, _to: Written) -> str:
    return instant.astimezone(UTC).isoformat()


def _read_time(text: str, _of: Stored) -> datetime:
    return datetime.fromisoformat(text)


def _write_span(span: timedelta, _to: Written) -> int:
    return span // _MICROSECOND


def _read_span(microseconds: int, _of: Stored) -> timedelta:
    return microseconds * _MICROSECOND
