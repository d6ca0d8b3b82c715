"""The tree of an expression. Chains are flat, so that their length costs no depth.

`at` is the offset of the token that an error about the node points to, `depth` how many nodes stand below one another,
`size` the steps that one evaluation costs: one for each node, some more for a call.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class Const(msgspec.Struct, frozen=True, gc=False):
    """A literal: a str, int, float, bool, bytes, Uint or None."""

    at: int
    depth: int
    size: int
    value: Any


class Name(msgspec.Struct, frozen=True, gc=False):
    """A variable; with a leading dot (`rooted`) never one that a macro bound."""

    at: int
    depth: int
    size: int
    name: str
    rooted: bool


class Select(msgspec.Struct, frozen=True, gc=False):
    """`base.field`, or `base.?field` if `optional`."""

    at: int
    depth: int
    size: int
    base: Node
    field: str
    optional: bool


class Index(msgspec.Struct, frozen=True, gc=False):
    """`base[key]`, or `base[?key]` if `optional`."""

    at: int
    depth: int
    size: int
    base: Node
    key: Node
    optional: bool


class Call(msgspec.Struct, frozen=True, gc=False):
    """`name(args)`, or `base.name(args)`."""

    at: int
    depth: int
    size: int
    base: Node | None
    name: str
    args: tuple[Node, ...]


class Prefix(msgspec.Struct, frozen=True, gc=False):
    """`!` and `-` before an operand, outermost first: `!!` or `--` or a mix."""

    at: int
    depth: int
    size: int
    operators: str
    operand: Node


class Logic(msgspec.Struct, frozen=True, gc=False):
    """Terms joined by `&&`, or by `||`."""

    at: int
    depth: int
    size: int
    operator: str
    terms: tuple[Node, ...]


class Chain(msgspec.Struct, frozen=True, gc=False):
    """Operators of one level, applied from left to right: `first op operand op operand …`."""

    at: int
    depth: int
    size: int
    first: Node
    rest: tuple[tuple[str, int, Node], ...]


class Ternary(msgspec.Struct, frozen=True, gc=False):
    """`condition ? value : condition ? value : … : otherwise`; `arms` stand in reverse, so that parsing can append."""

    at: int
    depth: int
    size: int
    arms: list[tuple[int, Node, Node]]
    otherwise: Node


class ListLiteral(msgspec.Struct, frozen=True, gc=False):
    """`[a, ?b]`: each item with whether it is optional."""

    at: int
    depth: int
    size: int
    items: tuple[tuple[bool, Node], ...]


class MapLiteral(msgspec.Struct, frozen=True, gc=False):
    """`{key: value, ?key: value}`: each entry with whether it is optional."""

    at: int
    depth: int
    size: int
    entries: tuple[tuple[bool, Node, Node], ...]


Node: TypeAlias = Const | Name | Select | Index | Call | Prefix | Logic | Chain | Ternary | ListLiteral | MapLiteral


def static_path(node: Node) -> tuple[str, ...] | None:
    """Give the names of `a.b["c"]` as ("a", "b", "c"); None if it is not a plain selection that starts at a name."""
    fields: list[str] = []
    while True:
        match node:
            case Name(name=name):
                fields.append(name)
                return tuple(reversed(fields))
            case Select(base=base, field=field, optional=False):
                fields.append(field)
                node = base
            case Index(base=base, key=Const(value=str() as field), optional=False):
                fields.append(field)
                node = base
            case _:
                return None
