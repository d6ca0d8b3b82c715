"""The names an expression can read at its place; inner ones hide outer ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from durable_dsl.document import Foreach
from durable_dsl.expressions import ExpressionSyntaxError, compile_expression
from durable_dsl.findings import Findings
from durable_dsl.places import Path

ALWAYS = frozenset({"input", "data", "constants", "execution"})
"""What every expression of a workflow sees; `now` is part of the language of expressions itself."""

ELSEWHERE = {
    "item": "it exists only inside a foreach",
    "index": "it exists only inside a foreach",
    "iteration": "it exists only inside a loop",
    "error": "it exists only in 'catch', in 'on_failure' and in 'retry.when'",
    "result": "it exists only in a node's 'output' and in 'compensate'",
    "event": "it exists only in 'where' of a wait for an event",
    "secrets": "read it in 'with' of a call or use, in 'http' or in 'env' of shell, which are not stored",
}
"""Why a name of the language cannot be read where it is not in scope."""

RESERVED = ALWAYS | {"now"} | (frozenset(ELSEWHERE) - {"item"})
"""Names an item cannot take, since it would hide something the reader of an expression counts on."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that exist at one place; `items` are those of the foreach around it, by the name of their node."""

    names: frozenset[str] = ALWAYS
    items: tuple[tuple[str, str], ...] = ()

    def in_loop(self) -> Scope:
        return replace(self, names=self.names | {"iteration"})

    def with_event(self) -> Scope:
        return replace(self, names=self.names | {"event"})

    def with_error(self) -> Scope:
        return replace(self, names=self.names | {"error"})

    def with_secrets(self) -> Scope:
        return replace(self, names=self.names | {"secrets"})

    def with_result(self) -> Scope:
        return replace(self, names=self.names | {"result"})

    def in_foreach(self, node: Foreach, path: Path, findings: Findings) -> Scope:
        """Gives the scope of a foreach's items; refuses a name that hides the item of a foreach around it."""
        place = findings.place((*path, "as"), node.at)
        taken = dict(self.items)
        if node.as_ in RESERVED or not _is_free(node.as_):
            findings.add(
                "W111",
                f"'{node.as_}' already means something in expressions, so an item cannot be called so",
                place,
                hint="choose another name for 'as'",
            )
        elif node.as_ in taken:
            findings.add(
                "W111",
                f"foreach '{node.name}' calls its item '{node.as_}', as foreach '{taken[node.as_]}' around it",
                place,
                hint="give one of them another name with 'as'",
            )
        return replace(self, names=self.names | {node.as_, "index"}, items=(*self.items, (node.as_, node.name)))


def _is_free(name: str) -> bool:
    """Tells whether a word means nothing by itself in expressions: `int` is a type there, `in` an operator."""
    try:
        return name in compile_expression(name).names
    except ExpressionSyntaxError:
        return False
