"""From text to the tree of `syntax`, by Lark's LALR parser; built when the first expression is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from durable_dsl.expressions import diagnosis
from durable_dsl.expressions.errors import ExpressionSyntaxError, SyntaxProblem
from durable_dsl.expressions.literals import bytes_value, integer_value, text_value
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

if TYPE_CHECKING:
    from lark import Lark, Token

# Every level of nesting is a few Python frames when the expression runs, and Python allows about a thousand in all.
MAX_DEPTH = 100
MAX_LENGTH = 100_000
# A call takes about as long as this many reads, comparisons and sums.
CALL_COST = 7

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_KEYWORDS = {"true": True, "false": False, "null": None}
_OPENING = re.compile(r"[(\[{]")


@lru_cache(maxsize=4096)
def parse(source: str) -> Node:
    """Read one expression; raises ExpressionSyntaxError with the place and, for usual slips, what to write instead."""
    if len(source) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the expression is longer than {MAX_LENGTH:,} characters", source, MAX_LENGTH)
    if len(_OPENING.findall(source)) > MAX_DEPTH:
        diagnosis.refuse_deep_brackets(source, MAX_DEPTH)
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        node: Node = _parser().parse(source)  # type: ignore[assignment]  # the builder gives a node, not a Lark tree
    except UnexpectedToken as error:
        token = error.token
        at = len(source) if token.type == "$END" else token.start_pos or 0
        raise diagnosis.explain(source, at, str(token)) from None
    except UnexpectedCharacters as error:
        raise diagnosis.explain(source, error.pos_in_stream, None) from None
    except SyntaxProblem as problem:
        raise ExpressionSyntaxError(problem.message, source, problem.offset, problem.hint) from None
    return node


@cache
def _parser() -> Lark:
    from importlib import resources

    from lark import Lark

    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=False)


def _combine(children: Sequence[Node]) -> tuple[int, int]:
    """Give depth and size of a node over these children; raises SyntaxProblem when that is too deep."""
    depth = 1
    size = 1
    for child in children:
        size += child.size
        if child.depth >= depth:
            depth = child.depth + 1
    if depth > MAX_DEPTH:
        hint = "compute part of it in a `set` step"
        raise SyntaxProblem(f"the expression nests more than {MAX_DEPTH} levels deep", children[-1].at, hint)
    return depth, size


def _at(token: Token) -> int:
    return token.start_pos or 0


def _field(token: Token) -> str:
    return str(token[1:-1] if token.type == "QUOTED" else token)


class _Builder:
    """Builds the tree while Lark parses; each method takes what its rule matched. It keeps no state between calls."""

    def start(self, found: list[Node]) -> Node:
        return found[0]

    def ternary(self, found: list[Node]) -> Node:
        condition, value, otherwise = found
        depth, size = _combine((condition, value))
        if type(otherwise) is not Ternary:
            below, more = _combine((otherwise,))
            return Ternary(condition.at, max(depth, below), size + more, [(condition.at, condition, value)], otherwise)
        otherwise.arms.append((condition.at, condition, value))
        return Ternary(
            condition.at, max(depth, otherwise.depth), size + otherwise.size, otherwise.arms, otherwise.otherwise
        )

    def chain(self, found: list[Any]) -> Node:
        return _by_precedence(found, 0)

    def prefix(self, found: list[Any]) -> Node:
        operators, operand = "".join(found[:-1]), found[-1]
        at = _at(found[0])
        if len(operators) > MAX_DEPTH:
            raise SyntaxProblem(f"more than {MAX_DEPTH} signs stand before one value", at)
        if operators[-1] == "-" and type(operand) is Const and type(operand.value) in (int, float):
            # The sign belongs to the literal: -9223372036854775808 exists, 9223372036854775808 does not.
            operand = Const(_at(found[-2]), 1, 1, -operand.value)
            operators = operators[:-1]
            if not operators:
                return operand
        depth, size = _combine((operand,))
        return Prefix(at, depth, size, operators, operand)

    def select(self, found: list[Any]) -> Node:
        depth, size = _combine((found[0],))
        return Select(_at(found[1]), depth, size, found[0], _field(found[1]), False)

    def optional_select(self, found: list[Any]) -> Node:
        depth, size = _combine((found[0],))
        return Select(_at(found[1]), depth, size, found[0], _field(found[1]), True)

    def method(self, found: list[Any]) -> Node:
        base, name, args = found
        depth, size = _combine((base, *args))
        return Call(_at(name), depth, size + CALL_COST, base, str(name), args)

    def index(self, found: list[Node]) -> Node:
        depth, size = _combine(found)
        return Index(found[1].at, depth, size, found[0], found[1], False)

    def optional_index(self, found: list[Node]) -> Node:
        depth, size = _combine(found)
        return Index(found[1].at, depth, size, found[0], found[1], True)

    def name(self, found: list[Token]) -> Node:
        return Name(_at(found[0]), 1, 1, str(found[0]), False)

    def rooted_name(self, found: list[Token]) -> Node:
        return Name(_at(found[0]), 1, 1, str(found[0]), True)

    def call(self, found: list[Any]) -> Node:
        name, args = found
        depth, size = _combine(args)
        return Call(_at(name), depth, size + CALL_COST, None, str(name), args)

    def arguments(self, found: list[Node]) -> tuple[Node, ...]:
        return tuple(found)

    def plain_item(self, found: list[Node]) -> tuple[bool, Node]:
        return False, found[0]

    def optional_item(self, found: list[Node]) -> tuple[bool, Node]:
        return True, found[0]

    def list_literal(self, found: list[tuple[bool, Node]]) -> Node:
        depth, size = _combine([item for _, item in found])
        return ListLiteral(found[0][1].at if found else 0, depth, size, tuple(found))

    def plain_entry(self, found: list[Node]) -> tuple[bool, Node, Node]:
        return False, found[0], found[1]

    def optional_entry(self, found: list[Node]) -> tuple[bool, Node, Node]:
        return True, found[0], found[1]

    def map_literal(self, found: list[tuple[bool, Node, Node]]) -> Node:
        depth, size = _combine([node for entry in found for node in entry[1:]])
        return MapLiteral(found[0][1].at if found else 0, depth, size, tuple(found))

    def double(self, found: list[Token]) -> Node:
        return Const(_at(found[0]), 1, 1, float(found[0]))

    def integer(self, found: list[Token]) -> Node:
        return Const(_at(found[0]), 1, 1, integer_value(str(found[0]), _at(found[0])))

    def text_literal(self, found: list[Token]) -> Node:
        return Const(_at(found[0]), 1, 1, text_value(str(found[0]), _at(found[0])))

    def bytes_literal(self, found: list[Token]) -> Node:
        return Const(_at(found[0]), 1, 1, bytes_value(str(found[0]), _at(found[0])))

    def keyword(self, found: list[Token]) -> Node:
        return Const(_at(found[0]), 1, 1, _KEYWORDS[str(found[0])])


def _by_precedence(found: list[Any], level: int) -> Node:
    """Make nodes of `operand operator operand …`, from the loosest operators to the tightest; each level stays flat."""
    while True:
        if len(found) == 1:
            operand: Node = found[0]
            return operand
        splits = [place for place in range(1, len(found), 2) if found[place] in _LEVELS[level]]
        if splits:
            break
        level += 1
    parts = [
        _by_precedence(found[start:end], level + 1)
        for start, end in zip([0, *(place + 1 for place in splits)], [*splits, len(found)], strict=True)
    ]
    depth, size = _combine(parts)
    first = found[splits[0]]
    if level < 2:
        return Logic(_at(first), depth, size, str(first), tuple(parts))
    rest = tuple((str(found[place]), _at(found[place]), part) for place, part in zip(splits, parts[1:], strict=True))
    return Chain(_at(first), depth, size, parts[0], rest)
