"""Reading names, fields and items, and asking whether they are there."""

from __future__ import annotations

from typing import Any

from durable_dsl.expressions.budget import ENV, NOW, STEPS, Code, Frame
from durable_dsl.expressions.errors import Failure, SyntaxProblem, shorten
from durable_dsl.expressions.scope import Scope
from durable_dsl.expressions.syntax import Call, Const, Index, Name, Node, Select, static_path
from durable_dsl.expressions.times import from_datetime
from durable_dsl.expressions.values import NOTHING, TYPES_BY_NAME, Maybe, Uint, kind, map_key, shown


def compile_name(node: Name, scope: Scope) -> Code:
    """Read a variable of a macro, a name of the environment, `now`, or the name of a type."""
    name = node.name
    if not node.rooted:
        slot = scope.slots.get(name)
        if slot is not None:
            return lambda frame: frame[slot]
        if name not in scope.declared:
            if name == "now":
                return lambda frame: from_datetime(frame[NOW])
            if name in TYPES_BY_NAME:
                of = TYPES_BY_NAME[name]
                return lambda frame: of
    return _read_name(name, node.at)


def _read_name(name: str, at: int) -> Code:
    def read(frame: Frame) -> Any:
        try:
            return frame[ENV][name]
        except KeyError:
            raise Failure(f"there is no '{name}' here", at, name, frame[ENV]) from None

    return read


def compile_select(node: Select, scope: Scope) -> Code:
    """Read a field; a whole path that starts at a name is read by one closure."""
    path = static_path(node)
    if path is not None and not scope.is_taken(path[0]) and ".".join(path) in TYPES_BY_NAME:
        of = TYPES_BY_NAME[".".join(path)]
        return lambda frame: of
    field, at, where = node.field, node.at, _describe(node.base)
    base = scope.code(node.base)
    if node.optional:
        return lambda frame: find_field(base(frame), field, at, where)

    def read(frame: Frame) -> Any:
        value = base(frame)
        try:
            return value[field]
        except (KeyError, TypeError):
            return get_field(value, field, at, where)

    if type(node.base) is Name:
        slot = None if node.base.rooted else scope.slots.get(node.base.name)
        if slot is not None:
            return _read_field_of_variable(slot, field, at, where)
        if _is_plain_root(node.base, scope):
            return _read_field_of_name(node.base, field, at)
    return read


def _is_plain_root(root: Name, scope: Scope) -> bool:
    return root.rooted or root.name in scope.declared or (root.name != "now" and root.name not in TYPES_BY_NAME)


def _read_field_of_variable(slot: int, field: str, at: int, where: str) -> Code:
    """Read `item.price` inside a macro without a call in between."""

    def read(frame: Frame) -> Any:
        value = frame[slot]
        try:
            return value[field]
        except (KeyError, TypeError):
            return get_field(value, field, at, where)

    return read


def _read_field_of_name(root: Name, field: str, at: int) -> Code:
    """Read `data.total`, the commonest of all, without a call in between."""
    name, root_at = root.name, root.at

    def read(frame: Frame) -> Any:
        env = frame[ENV]
        try:
            return env[name][field]
        except (KeyError, TypeError):
            if name not in env:
                raise Failure(f"there is no '{name}' here", root_at, name, env) from None
            return get_field(env[name], field, at, name)

    return read


def get_field(value: Any, field: str, at: int, where: str) -> Any:
    """Give a field of a map, or of the map in an optional; raises Failure saying what is there instead."""
    if type(value) is dict:
        if field in value:
            return value[field]
        raise Failure(f"no field '{shorten(field)}' in {where}", at, field, value)
    if type(value) is Maybe:
        if not value.present:
            return value
        if type(value.value) is dict:
            return Maybe(True, value.value[field]) if field in value.value else NOTHING
        value = value.value
    if value is None:
        raise Failure(
            f"{where} is null and has no field '{field}'; where it may be null, write .?{field}.orValue(…)", at
        )
    hint = f"; write [0].{field} for its first item, .map(x, x.{field}) for all" if type(value) is list else ""
    raise Failure(f"{where} is of type {kind(value)} and has no field '{field}'{hint}", at)


def find_field(value: Any, field: Any, at: int, where: str) -> Maybe:
    """Give what `.?field` gives: an optional, empty where the field is missing or what should hold it is null."""
    if type(value) is Maybe:
        if not value.present:
            return value
        value = value.value
    if value is None:
        return NOTHING
    if type(value) is dict:
        return Maybe(True, value[field]) if field in value else NOTHING
    raise Failure(f"{where} is of type {kind(value)} and has no field '{field}'", at)


def compile_index(node: Index, scope: Scope) -> Code:
    """Read an item of a list by its place, or of a map by its key."""
    base, key, at, where = scope.code(node.base), scope.code(node.key), node.at, _describe(node.base)
    if node.optional:
        return lambda frame: _find_item(base(frame), key(frame), at, where)

    def read(frame: Frame) -> Any:
        value, wanted = base(frame), key(frame)
        of = type(value)
        if of is list and type(wanted) is int and 0 <= wanted < len(value):
            return value[wanted]
        if of is dict and type(wanted) is str and wanted in value:
            # Comparing a long key takes its time; what it costs is noticed at the next payment.
            frame[STEPS] -= len(wanted) >> 6
            return value[wanted]
        return _get_item(value, wanted, at, where)

    return read


def _get_item(value: Any, wanted: Any, at: int, where: str) -> Any:
    of = type(value)
    if of is list:
        place = _place(value, wanted, at, where)
        if 0 <= place < len(value):
            return value[place]
        last = f"its last is [{len(value) - 1}]" if value else "it is empty"
        raise Failure(f"{where} has no item [{shown(place)}]; {last}", at)
    if of is dict:
        key = map_key(wanted)
        if key is not None and key in value:
            return value[key]
        if type(wanted) is str:
            raise Failure(f"no field '{shorten(wanted)}' in {where}", at, wanted, value)
        raise Failure(f"no such key in {where}", at)
    if of is Maybe:
        if not value.present:
            return value
        if type(value.value) in (dict, list):
            return _find_item(value.value, wanted, at, where)
        value = value.value
    if value is None:
        raise Failure(f"{where} is null and has no items; where it may be null, write [?…].orValue(…)", at)
    hint = "; write .charAt(…) or .substring(…)" if type(value) is str else ""
    raise Failure(f"{where} is of type {kind(value)} and has no items{hint}", at)


def _find_item(value: Any, wanted: Any, at: int, where: str) -> Maybe:
    if type(value) is Maybe:
        if not value.present:
            return value
        value = value.value
    if value is None:
        return NOTHING
    if type(value) is list:
        place = _place(value, wanted, at, where)
        return Maybe(True, value[place]) if 0 <= place < len(value) else NOTHING
    if type(value) is dict:
        key = map_key(wanted)
        return Maybe(True, value[key]) if key is not None and key in value else NOTHING
    raise Failure(f"{where} is of type {kind(value)} and has no items", at)


def _place(items: list[Any], wanted: Any, at: int, where: str) -> int:
    if type(wanted) is int or type(wanted) is Uint:
        return int(wanted)
    if type(wanted) is float and wanted.is_integer():
        return int(wanted)
    raise Failure(f"{where} is a list, so what stands in [ ] must be a whole number, not {kind(wanted)}", at)


def compile_has(node: Call, scope: Scope) -> Code:
    """`has(a.b)`: whether the map `a` has the field `b`; the map itself must be there unless it is null or optional."""
    target = node.args[0] if len(node.args) == 1 else None
    match target:
        case Select(base=base_node, field=field):
            pass
        case Index(base=base_node, key=Const(value=str() as field)):
            pass
        case _:
            raise SyntaxProblem("has() takes one field", node.at, "as in has(data.total)")
    base, at, where = scope.code(base_node), target.at, _describe(base_node)

    def ask(frame: Frame) -> bool:
        value = base(frame)
        if type(value) is dict:
            return field in value
        return find_field(value, field, at, where).present

    return ask


def _describe(node: Node) -> str:
    """Name a value in a message: 'data.order' where it is a path, 'the value' where it is computed."""
    path = static_path(node)
    return "the value" if path is None else ".".join(path)
