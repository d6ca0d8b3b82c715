"""From the tree to closures over a frame: one Python function for each node."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, assert_never

from durable_dsl.expressions.access import compile_index, compile_name, compile_select
from durable_dsl.expressions.budget import Code, Frame
from durable_dsl.expressions.calls import compile_call
from durable_dsl.expressions.errors import BudgetExhausted, Failure, SyntaxProblem
from durable_dsl.expressions.literals import out_of_range
from durable_dsl.expressions.operators import ORDERINGS, arithmetic, order
from durable_dsl.expressions.scope import Scope
from durable_dsl.expressions.syntax import (
    Call,
    Chain,
    Const,
    Index,
    ListLiteral,
    Logic,
    MapLiteral,
    Name,
    Node,
    Prefix,
    Select,
    Ternary,
)
from durable_dsl.expressions.values import INT_MAX, INT_MIN, Maybe, Uint, contains, equal, kind, map_key


def compile_node(node: Node, scope: Scope) -> Code:
    """Compile a node; raises SyntaxProblem for an unknown function or a macro that is not formed as it must be."""
    match node:
        case Const():
            return _constant(node)
        case Name():
            return compile_name(node, scope)
        case Select():
            return compile_select(node, scope)
        case Index():
            return compile_index(node, scope)
        case Call():
            return compile_call(node, scope)
        case Prefix():
            return _prefix(node, scope)
        case Logic():
            return _logic(node, scope)
        case Chain():
            return _chain(node, scope)
        case Ternary():
            return _ternary(node, scope)
        case ListLiteral():
            return _list(node, scope)
        case MapLiteral():
            return _map(node, scope)
        case _:
            assert_never(node)


def _constant(node: Const) -> Code:
    value = node.value
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        raise out_of_range(str(value), node.at)
    return lambda frame: value


def _prefix(node: Prefix, scope: Scope) -> Code:
    operand, at = scope.code(node.operand), node.at
    if node.operators == "!":

        def invert(frame: Frame) -> bool:
            value = operand(frame)
            if value is True:
                return False
            if value is False:
                return True
            return bool(_apply_prefix("!", value, at))

        return invert
    signs = node.operators[::-1]

    def run(frame: Frame) -> Any:
        value = operand(frame)
        for sign in signs:
            value = _apply_prefix(sign, value, at)
        return value

    return run


def _apply_prefix(sign: str, value: Any, at: int) -> Any:
    if sign == "!":
        if value is True or value is False:
            return not value
        raise Failure(f"! needs a bool, not {kind(value)}", at)
    if type(value) is float:
        return -value
    if type(value) is int:
        if value == INT_MIN:
            raise Failure("the result does not fit in a 64-bit int; use doubles, as in double(x)", at)
        return -value
    raise Failure(f"- needs a number, not {kind(value)}", at)


def _not_bool(sign: str, value: Any, at: int) -> Failure:
    hint = "; write .orValue(false) after it" if type(value) is Maybe else ""
    return Failure(f"{sign} needs bools, not {kind(value)}{hint}", at)


def _logic(node: Logic, scope: Scope) -> Code:
    """`||` is true if any term is, `&&` false if any is, even where another term fails."""
    sign, at, stop = node.operator, node.at, node.operator == "||"
    terms = tuple(scope.code(term) for term in node.terms)
    first, second = terms[0], terms[1]

    def decide_two(frame: Frame) -> Any:
        try:
            left = first(frame)
        except BudgetExhausted:
            raise
        except Failure:
            if second(frame) is stop:
                return stop
            raise
        if left is stop:
            return stop
        right = second(frame)
        if right is stop:
            return stop
        if left is (not stop) and right is (not stop):
            return not stop
        raise _not_bool(sign, right if left is (not stop) else left, at)

    def decide(frame: Frame) -> Any:
        failure: Failure | None = None
        for term in terms:
            try:
                value = term(frame)
            except BudgetExhausted:
                raise
            except Failure as failed:
                failure = failure or failed
                continue
            if value is stop:
                return stop
            if value is not (not stop):
                failure = failure or _not_bool(sign, value, at)
        if failure is not None:
            raise failure
        return not stop

    return decide_two if len(terms) == 2 else decide


def _chain(node: Chain, scope: Scope) -> Code:
    if len(node.rest) == 1:
        sign, at, operand = node.rest[0]
        special = _compare_with_constant(node.first, sign, operand, scope, at)
        return special or _binary(sign, scope.code(node.first), scope.code(operand), at)
    first = scope.code(node.first)
    rest = tuple((sign, at, scope.code(operand)) for sign, at, operand in node.rest)

    def run(frame: Frame) -> Any:
        value = first(frame)
        for sign, at, operand in rest:
            value = _apply(sign, value, operand(frame), frame, at)
        return value

    return run


def _binary(sign: str, left: Code, right: Code, at: int) -> Code:
    if sign == "==":
        return lambda frame: equal(left(frame), right(frame), frame)
    if sign == "!=":
        return lambda frame: not equal(left(frame), right(frame), frame)
    if sign in ("+", "-", "*"):
        return _sum_or_product(sign, left, right, at)
    return lambda frame: _apply(sign, left(frame), right(frame), frame, at)


def _sum_or_product(sign: str, left: Code, right: Code, at: int) -> Code:
    """Decide the commonest types without a table: what this is for is arithmetic inside macros."""
    compute: Callable[[Any, Any], Any] = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]

    def run(frame: Frame) -> Any:
        one, other = left(frame), right(frame)
        of, of_other = type(one), type(other)
        if of is int and of_other is int:
            result = compute(one, other)
            if INT_MIN <= result <= INT_MAX:
                return result
        elif of is float and of_other is float:
            return compute(one, other)
        return _apply(sign, one, other, frame, at)

    return run


def _apply(sign: str, left: Any, right: Any, frame: Frame, at: int) -> Any:
    try:
        if sign in ORDERINGS:
            return order(sign, left, right, frame)
        if sign == "==" or sign == "!=":
            return equal(left, right, frame) is (sign == "==")
        if sign == "in":
            return _is_in(left, right, frame)
        return arithmetic(sign, left, right, frame)
    except Failure as failure:
        if failure.offset is None:
            failure.offset = at
        raise


def _is_in(wanted: Any, where: Any, frame: Frame) -> bool:
    if type(where) is list:
        return contains(where, wanted, frame)
    if type(where) is dict:
        key = map_key(wanted)
        return key is not None and key in where
    hint = "; for a part of a text write .contains(…)" if type(where) is str else ""
    hint = "; where it may be missing, write .?field.orValue([])" if where is None or type(where) is Maybe else hint
    raise Failure(f"`in` needs a list or a map on its right, not {kind(where)}{hint}")


def _compare_with_constant(left: Node, sign: str, right: Node, scope: Scope, at: int) -> Code | None:
    """Compile `x > 100`, `x == 'US'` and `x in ['US', 'CA']` without a look at the type of the constant."""
    if sign == "in" and type(right) is ListLiteral:
        return _in_constants(left, right, scope, at)
    if type(right) is not Const:
        return None
    constant, of = right.value, type(right.value)
    read = scope.code(left)
    if sign in ORDERINGS and of in (int, float):
        scope.code(right)  # for its range
        compare = ORDERINGS[sign]

        def is_ordered(frame: Frame) -> bool:
            value = read(frame)
            if type(value) is int or type(value) is float:
                return bool(compare(value, constant))
            return bool(_apply(sign, value, constant, frame, at))

        return is_ordered
    if sign not in ("==", "!=") or of not in (str, bool, type(None)):
        return None
    wanted = sign == "=="
    if of is str:
        return (lambda frame: read(frame) == constant) if wanted else (lambda frame: read(frame) != constant)
    return (lambda frame: read(frame) is constant) if wanted else (lambda frame: read(frame) is not constant)


def _in_constants(left: Node, right: ListLiteral, scope: Scope, at: int) -> Code | None:
    if not all(not optional and type(item) is Const and type(item.value) is str for optional, item in right.items):
        return None
    members = frozenset(item.value for _, item in right.items if type(item) is Const)
    read = scope.code(left)
    # Only a str is ever equal to a str, and hashing a list would fail.
    return lambda frame: type(value := read(frame)) is str and value in members


def _ternary(node: Ternary, scope: Scope) -> Code:
    otherwise = scope.code(node.otherwise)
    arms = tuple((scope.code(condition), scope.code(value), at) for at, condition, value in reversed(node.arms))

    def run(frame: Frame) -> Any:
        for condition, value, at in arms:
            chosen = condition(frame)
            if chosen is True:
                return value(frame)
            if chosen is not False:
                hint = "; write .orValue(false) after it" if type(chosen) is Maybe else ""
                raise Failure(f"the condition before ? must be a bool, not {kind(chosen)}{hint}", at)
        return otherwise(frame)

    return run


def _list(node: ListLiteral, scope: Scope) -> Code:
    codes = tuple(scope.code(item) for _, item in node.items)
    if not any(optional for optional, _ in node.items):
        return lambda frame: [code(frame) for code in codes]
    items = tuple((optional, code, item.at) for (optional, item), code in zip(node.items, codes, strict=True))

    def run(frame: Frame) -> list[Any]:
        made: list[Any] = []
        for optional, code, at in items:
            value = code(frame)
            if not optional:
                made.append(value)
            elif _is_present(value, at):
                made.append(value.value)
        return made

    return run


def _map(node: MapLiteral, scope: Scope) -> Code:
    entries = tuple((optional, scope.code(key), scope.code(value), key.at) for optional, key, value in node.entries)
    constant = [key.value for _, key, _ in node.entries if type(key) is Const and type(key.value) is str]
    if len(set(constant)) < len(constant):
        twice = next(key for place, key in enumerate(constant) if key in constant[:place])
        raise SyntaxProblem(f"the key '{twice}' stands twice in this map", node.at)

    def run(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for optional, key_code, code, at in entries:
            key = key_code(frame)
            if type(key) is not str:
                if type(key) not in (int, bool, Uint):
                    raise Failure(f"the key of a map must be a string, an int or a bool, not {kind(key)}", at)
                key = map_key(key)
            if key in made:
                raise Failure("the same key stands twice in this map", at)
            value = code(frame)
            if not optional:
                made[key] = value
            elif _is_present(value, at):
                made[key] = value.value
        return made

    return run


def _is_present(value: Any, at: int) -> bool:
    if type(value) is Maybe:
        return bool(value.present)
    raise Failure(f"after ? stands an optional, such as data.?field, not {kind(value)}", at)
