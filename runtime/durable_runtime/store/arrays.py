"""Columns of a batch as PostgreSQL's binary arrays, built by hand.

psycopg's own list dumpers look at every element to find its type and cost more than the rest of a step; here the
column's type is known. The format is that of `array_recv` in PostgreSQL's sources: dimensions, null flag, element
type, length, lower bound, then each element with its length, -1 for null.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEADER = struct.Struct("!iiiii")
_NULL = (-1).to_bytes(4, "big", signed=True)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_pack_length = struct.Struct("!i").pack
_pack_time = struct.Struct("!iq").pack

INT4, INT8, TEXT, JSON, TIMESTAMPTZ, UUID = 23, 20, 25, 114, 1184, 2950
_ARRAY_OF = {INT4: 1007, INT8: 1016, TEXT: 1009, JSON: 199, TIMESTAMPTZ: 1185, UUID: 2951}


class Column:
    """One array parameter, encoded already."""

    __slots__ = ("encoded",)

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded


class Int4Column(Column):
    """int[]"""

    __slots__ = ()


class Int8Column(Column):
    """bigint[]"""

    __slots__ = ()


class TextColumn(Column):
    """text[]"""

    __slots__ = ()


class JsonColumn(Column):
    """json[]"""

    __slots__ = ()


class UuidColumn(Column):
    """uuid[]"""

    __slots__ = ()


class TimeColumn(Column):
    """timestamptz[]"""

    __slots__ = ()


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> Buffer:
        return obj.encoded


def _dumper(element: int) -> type[Dumper]:
    return type("ColumnDumper", (_ColumnDumper,), {"oid": _ARRAY_OF[element]})


def register_columns(connection: psycopg.AsyncConnection[Any] | psycopg.Connection[Any]) -> None:
    """Teaches a connection to send columns."""
    adapters = connection.adapters
    for kind, element in (
        (Int4Column, INT4),
        (Int8Column, INT8),
        (TextColumn, TEXT),
        (JsonColumn, JSON),
        (TimeColumn, TIMESTAMPTZ),
        (UuidColumn, UUID),
    ):
        adapters.register_dumper(kind, _dumper(element))


def uuids(values: Sequence[str]) -> UuidColumn:
    """Encodes UUIDs, given as text."""
    return UuidColumn(_with_lengths(UUID, [bytes.fromhex(value.replace("-", "")) for value in values]))


def int4s(values: Sequence[int]) -> Int4Column:
    """Encodes integers of 32 bits."""
    count = len(values)
    pairs = [part for value in values for part in (4, value)]
    return Int4Column(_HEADER.pack(1, 0, INT4, count, 1) + struct.pack(f"!{'ii' * count}", *pairs))


def int8s(values: Sequence[int]) -> Int8Column:
    """Encodes integers of 64 bits."""
    count = len(values)
    pairs = [part for value in values for part in (8, value)]
    return Int8Column(_HEADER.pack(1, 0, INT8, count, 1) + struct.pack(f"!{'iq' * count}", *pairs))


def texts(values: Sequence[str]) -> TextColumn:
    """Encodes texts."""
    return TextColumn(_with_lengths(TEXT, [value.encode() for value in values]))


def texts_or_nulls(values: Sequence[str | None]) -> TextColumn:
    """Encodes texts; None is null."""
    return TextColumn(_with_lengths(TEXT, [None if value is None else value.encode() for value in values]))


def jsons(values: Sequence[bytes | None]) -> JsonColumn:
    """Encodes JSON texts; None is SQL's null."""
    return JsonColumn(_with_lengths(JSON, values))


def times(values: Sequence[datetime | None]) -> TimeColumn:
    """Encodes instants as microseconds since 2000; None is null."""
    parts = [_NULL if value is None else _pack_time(8, (value - _EPOCH) // _MICROSECOND) for value in values]
    return TimeColumn(_HEADER.pack(1, 1, TIMESTAMPTZ, len(values), 1) + b"".join(parts))


def _with_lengths(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_NULL if value is None else _pack_length(len(value)) + value for value in values]
    return _HEADER.pack(1, 1, element, len(values), 1) + b"".join(parts)
