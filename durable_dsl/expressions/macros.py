"""The calls that evaluate an expression once for each item: all, exists, map, filter and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from durable_dsl.expressions.budget import STEPS, Code, Frame
from durable_dsl.expressions.errors import BudgetExhausted, Failure
from durable_dsl.expressions.functions.lists import sorted_by
from durable_dsl.expressions.scope import Binding, Scope
from durable_dsl.expressions.syntax import Call
from durable_dsl.expressions.values import NOTHING, Maybe, key_value, kind, map_key

Items = Callable[[Frame], Iterable[Any]]


def compile_macro(node: Call, binding: Binding, scope: Scope) -> Code:
    """Compile a macro: `binding` is the call taken apart."""
    source = scope.code(binding.outer)
    inner, slots = scope.bind(binding.variables)
    bodies = tuple(inner.code(body) for body in binding.inner)
    cost = 1 + sum(body.size for body in binding.inner)
    at, name = node.at, node.name
    if name == "bind":
        return _bind(source, slots[0], bodies[0])
    if name in ("optMap", "optFlatMap"):
        return _map_optional(source, slots[0], bodies[0], name, at)
    items = _each(source, slots, name, cost, at)
    match name:
        case "all" | "exists":
            return _quantifier(items, bodies[0], name == "exists", name, at)
        case "exists_one" | "existsOne":
            return _exists_one(items, bodies[0], name, at)
        case "filter":
            return _filter(items, bodies[0], at)
        case "sortBy":
            return _sort_by(items, bodies[0], at)
        case "transformMap":
            return _transform_map(items, slots[0], bodies[-1], bodies[0] if len(bodies) == 2 else None, at)
        case _:
            return _map(items, bodies[-1], bodies[0] if len(bodies) == 2 else None, name, at)


def _each(source: Code, slots: tuple[int, ...], name: str, cost: int, at: int) -> Items:
    """Put each item into its variable (or each place or key and its value into two), and pay for one round."""
    slot = slots[-1]
    key_slot = slots[0]
    paired = len(slots) == 2

    def items(frame: Frame) -> Iterable[Any]:
        value = source(frame)
        of = type(value)
        pairs: Iterable[tuple[Any, Any]]
        if of is list:
            if not paired:
                for item in value:
                    frame[STEPS] -= cost
                    if frame[STEPS] < 0:
                        raise BudgetExhausted(at)
                    frame[slot] = item
                    yield item
                return
            pairs = enumerate(value)
        elif of is dict:
            pairs = value.items() if paired else zip(value, value, strict=True)
        else:
            hint = "; where it may be missing, write .?field.orValue([])" if value is None or of is Maybe else ""
            raise Failure(f"{name}() needs a list or a map, not {kind(value)}{hint}", at)
        for key, item in pairs:
            frame[STEPS] -= cost
            if frame[STEPS] < 0:
                raise BudgetExhausted(at)
            # With one variable both stand in the same place, and the key of a map is what counts.
            frame[slot] = item if paired else key_value(key)
            if paired:
                frame[key_slot] = key_value(key)
            yield frame[slot]

    return items


def _truth(value: Any, name: str, at: int) -> bool:
    if value is True or value is False:
        return bool(value)
    raise Failure(f"the condition of {name}() must be a bool, not {kind(value)}", at)


def _quantifier(items: Items, test: Code, stop: bool, name: str, at: int) -> Code:
    """`exists` stops at the first true, `all` at the first false; either forgets the failures before it."""

    def run(frame: Frame) -> bool:
        failure: Failure | None = None
        for _ in items(frame):
            try:
                if _truth(test(frame), name, at) is stop:
                    return stop
            except BudgetExhausted:
                raise
            except Failure as failed:
                failure = failure or failed
        if failure is not None:
            raise failure
        return not stop

    return run


def _exists_one(items: Items, test: Code, name: str, at: int) -> Code:
    return lambda frame: sum(_truth(test(frame), name, at) for _ in items(frame)) == 1


def _filter(items: Items, test: Code, at: int) -> Code:
    def run(frame: Frame) -> list[Any]:
        kept: list[Any] = []
        for item in items(frame):
            wanted = test(frame)
            if wanted is True:
                kept.append(item)
            elif wanted is not False:
                _truth(wanted, "filter", at)
        return kept

    return run


def _map(items: Items, make: Code, test: Code | None, name: str, at: int) -> Code:
    if test is None:
        return lambda frame: [make(frame) for _ in items(frame)]
    wanted = test
    return lambda frame: [make(frame) for _ in items(frame) if _truth(wanted(frame), name, at)]


def _transform_map(items: Items, key_slot: int, make: Code, test: Code | None, at: int) -> Code:
    def run(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for _ in items(frame):
            if test is None or _truth(test(frame), "transformMap", at):
                made[map_key(frame[key_slot])] = make(frame)
        return made

    return run


def _sort_by(items: Items, make: Code, at: int) -> Code:
    def run(frame: Frame) -> list[Any]:
        keyed = [(item, make(frame)) for item in items(frame)]
        return sorted_by(frame, [item for item, _ in keyed], [key for _, key in keyed])

    return _placed(run, at)


def _bind(source: Code, slot: int, body: Code) -> Code:
    def run(frame: Frame) -> Any:
        frame[slot] = source(frame)
        return body(frame)

    return run


def _map_optional(source: Code, slot: int, body: Code, name: str, at: int) -> Code:
    def run(frame: Frame) -> Maybe:
        value = source(frame)
        if type(value) is not Maybe:
            raise Failure(f"{name}() needs an optional, not {kind(value)}; write .?field.{name}(…)", at)
        if not value.present:
            return NOTHING
        frame[slot] = value.value
        result = body(frame)
        if name == "optMap":
            return Maybe(True, result)
        if type(result) is not Maybe:
            raise Failure(f"optFlatMap() must give an optional, not {kind(result)}; use optMap()", at)
        return result

    return run


def _placed(run: Code, at: int) -> Code:
    """Give failures that do not know their place the place of this call."""

    def placed(frame: Frame) -> Any:
        try:
            return run(frame)
        except Failure as failure:
            if failure.offset is None:
                failure.offset = at
            raise

    return placed
