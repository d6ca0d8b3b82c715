"""A compiled expression: what it reads, and its value in an environment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, final

from durable_dsl.expressions.budget import DEFAULT_BUDGET, Code, Frame
from durable_dsl.expressions.compile import compile_node
from durable_dsl.expressions.errors import (
    BudgetExhausted,
    ExpressionError,
    ExpressionSyntaxError,
    Failure,
    SyntaxProblem,
)
from durable_dsl.expressions.parser import parse
from durable_dsl.expressions.reads import Reads
from durable_dsl.expressions.rendering import to_plain
from durable_dsl.expressions.scope import Scope
from durable_dsl.expressions.syntax import Call, Index, Name, Node, Select, Ternary
from durable_dsl.expressions.values import Maybe, kind

_DONE = frozenset({str, bool, int, type(None)})


@final
class Expression:
    """A compiled expression; it never changes and may be evaluated by several threads at once.

    `names` are the names it reads from the environment, `paths` the fields that must be there, each from its name on
    as far as it is known before evaluation (`data.items[0].id` reads ("data", "items")). `guarded_paths` are fields
    that it reads only if they are there: those inside has(), read with `.?`, or tested with `'field' in data`.
    `uses_now` says whether its value depends on `now`.
    """

    __slots__ = ("_borrows", "_cost", "_empty", "_run", "guarded_paths", "names", "paths", "source", "uses_now")

    source: str
    names: frozenset[str]
    paths: frozenset[tuple[str, ...]]
    guarded_paths: frozenset[tuple[str, ...]]
    uses_now: bool

    def __init__(self, source: str, node: Node, code: Code, reads: Reads, locals_needed: int) -> None:
        self.source = source
        self.names = frozenset(reads.names)
        self.paths, self.guarded_paths = reads.split()
        self.uses_now = reads.uses_now
        self._run = code
        self._cost = node.size
        self._borrows = _borrows(node, self.names)
        self._empty = [None] * locals_needed

    def evaluate(self, env: Mapping[str, Any], *, now: datetime, budget: int = DEFAULT_BUDGET) -> Any:
        """Give the value as plain JSON; it may share parts with `env`, and `env` is never changed.

        Timestamps leave as RFC 3339 text with Z, durations as text in seconds ("5400s"), an empty optional as null.
        `now` must carry a time zone. Raises ExpressionError, also if more than `budget` steps would be needed.
        """
        frame: Frame = [env, budget - self._cost, now, *self._empty]
        try:
            value = self._evaluate(frame)
            return value if type(value) in _DONE or self._borrows else to_plain(value, frame)
        except Failure as failure:
            self._raise(failure)
        except RecursionError:
            raise ExpressionError("the values nest too deeply", self.source) from None

    def test(self, env: Mapping[str, Any], *, now: datetime, budget: int = DEFAULT_BUDGET) -> bool:
        """Give the value of a condition; raises ExpressionError if it is anything but true or false."""
        frame: Frame = [env, budget - self._cost, now, *self._empty]
        try:
            value = self._evaluate(frame)
        except Failure as failure:
            self._raise(failure)
        except RecursionError:
            raise ExpressionError("the values nest too deeply", self.source) from None
        if value is True or value is False:
            return bool(value)
        hint = "; write .orValue(false) after it" if type(value) is Maybe else ""
        raise ExpressionError(f"a condition must give true or false, and this gave {kind(value)}{hint}", self.source)

    def _evaluate(self, frame: Frame) -> Any:
        if frame[1] < 0:
            raise BudgetExhausted
        return self._run(frame)

    def _raise(self, failure: Failure) -> NoReturn:
        raise ExpressionError(failure.sentence(), self.source, failure.offset or 0) from None

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"


def compile_expression(source: str, names: Collection[str] | None = None) -> Expression:
    """Compile a bare expression; `names` are those that may be read, None allows all but the names of types and `now`.

    Raises ExpressionSyntaxError for what is not an expression, for a name that is not in `names` and for a function
    that does not exist. The same source and names give the same object again.
    """
    return _compile(source, None if names is None else frozenset(names))


@lru_cache(maxsize=4096)
def _compile(source: str, names: frozenset[str] | None) -> Expression:
    node = parse(source)
    scope = Scope(compile_node, names or frozenset())
    reads = Reads(scope, names)
    try:
        reads.walk(node, frozenset())
        code = scope.code(node)
    except SyntaxProblem as problem:
        raise ExpressionSyntaxError(problem.message, source, problem.offset, problem.hint) from None
    except RecursionError:
        raise ExpressionSyntaxError("the expression nests too deeply for where it is compiled", source) from None
    return Expression(source, node, code, reads, scope.locals_needed)


def _borrows(node: Node, names: frozenset[str]) -> bool:
    """Say whether the value is a part of the environment, so that it is plain JSON already and nothing is built."""
    while True:
        match node:
            case Name(name=name):
                return name in names
            case Select(base=base, optional=False) | Index(base=base, optional=False):
                node = base
            case Call(base=base, name="filter", args=(_, _)) if base is not None:
                node = base
            case Ternary(arms=arms, otherwise=otherwise):
                return all(_borrows(value, names) for _, _, value in arms) and _borrows(otherwise, names)
            case _:
                return False
