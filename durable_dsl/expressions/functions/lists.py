"""Functions of lists and maps."""

from __future__ import annotations

from typing import Any

from durable_dsl.expressions.budget import Frame, spend, spend_text
from durable_dsl.expressions.errors import Failure
from durable_dsl.expressions.functions.registry import INT, LIST, MAP, function, method
from durable_dsl.expressions.operators import arithmetic, order, to_double
from durable_dsl.expressions.values import NUMBERS, ORDERED, Duration, freeze, kind, shown


def _sum(frame: Frame, items: list[Any]) -> Any:
    spend(frame, len(items))
    if not items:
        return 0
    total = items[0]
    if type(total) not in NUMBERS and type(total) is not Duration:
        raise Failure(f"sum() needs numbers or durations, and one item is {kind(total)}")
    for item in items[1:]:
        if type(item) not in NUMBERS and type(item) is not Duration:
            raise Failure(f"sum() needs numbers or durations, and one item is {kind(item)}")
        total = arithmetic("+", total, item, frame)
    return total


def _average(frame: Frame, items: list[Any]) -> Any:
    total = _sum(frame, _filled("avg", items))
    return arithmetic("/", total, len(items), frame) if type(total) is Duration else to_double(total) / len(items)


def _extreme(name: str, sign: str, frame: Frame, items: list[Any]) -> Any:
    spend(frame, len(items))
    best = _filled(name, items)[0]
    if type(best) not in NUMBERS and type(best) not in ORDERED:
        raise Failure(f"{name}() cannot order {kind(best)}")
    for item in items[1:]:
        if order(sign, item, best, frame):
            best = item
    return best


def _min(frame: Frame, items: list[Any]) -> Any:
    return _extreme("min", "<", frame, items)


def _max(frame: Frame, items: list[Any]) -> Any:
    return _extreme("max", ">", frame, items)


def sorted_by(frame: Frame, items: list[Any], keys: list[Any]) -> list[Any]:
    """Give `items` in the order of `keys`, equal ones as they stood; raises Failure for keys without an order."""
    if not keys:
        return []
    first = type(keys[0])
    # A merge sort of n items compares them about n · log n times.
    rounds = len(items).bit_length()
    spend(frame, len(items) * rounds)
    if first is str or first is bytes:
        spend_text(frame, rounds * sum(len(key) for key in keys if type(key) is first))
    if first in NUMBERS:
        fits = all(type(key) in NUMBERS for key in keys)
    else:
        fits = first in ORDERED and all(type(key) is first for key in keys)
    if not fits:
        kinds = " and ".join(sorted({kind(key) for key in keys}))
        raise Failure(f"cannot sort {kinds}; all must be numbers, or all of one type that has an order")
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]


def _sort(frame: Frame, items: list[Any]) -> list[Any]:
    return sorted_by(frame, items, items)


def _distinct(frame: Frame, items: list[Any]) -> list[Any]:
    spend(frame, len(items))
    seen: dict[Any, Any] = {}
    for item in items:
        seen.setdefault(freeze(item, frame), item)
    return list(seen.values())


def _flatten(frame: Frame, items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise Failure("flatten() needs a depth of at least 0")
    while depth > 0 and any(type(item) is list for item in items):
        flat: list[Any] = []
        for item in items:
            if type(item) is list:
                spend(frame, len(item) + 1)
                flat.extend(item)
            else:
                spend(frame, 1)
                flat.append(item)
        items = flat
        depth -= 1
    return items


def _first(items: list[Any]) -> Any:
    return _filled("first", items)[0]


def _last(items: list[Any]) -> Any:
    return _filled("last", items)[-1]


def _filled(name: str, items: list[Any]) -> list[Any]:
    if items:
        return items
    instead = {"first": "[?0].orValue(…)", "last": "size(list) > 0 ? … : …"}.get(name, "size(list) > 0 ? … : …")
    raise Failure(f"{name}() of an empty list; where it may be empty, write {instead}")


def _slice(frame: Frame, items: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise Failure(f"slice({shown(start)}, {shown(end)}) lies outside a list of {len(items)} items")
    spend(frame, end - start)
    return items[start:end]


def _reverse(frame: Frame, items: list[Any]) -> list[Any]:
    spend(frame, len(items))
    return items[::-1]


def _range(frame: Frame, count: int) -> list[int]:
    if count < 0:
        raise Failure("lists.range() needs at least 0")
    spend(frame, count)
    return list(range(count))


method("sum", [LIST], _sum, framed=True)
method("avg", [LIST], _average, framed=True)
method("min", [LIST], _min, framed=True)
method("max", [LIST], _max, framed=True)
method("sort", [LIST], _sort, framed=True)
method("distinct", [LIST], _distinct, framed=True)
method("flatten", [LIST], _flatten, framed=True)
method("flatten", [LIST, INT], _flatten, framed=True)
method("first", [LIST], _first)
method("last", [LIST], _last)
method("slice", [LIST, INT, INT], _slice, framed=True)
method("reverse", [LIST], _reverse, framed=True)
function("lists.range", [INT], _range, framed=True)

for _sized in (LIST, MAP):
    function("size", [_sized], len)
    method("size", [_sized], len)
