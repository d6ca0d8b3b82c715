"""The expressions of a node, each with the field that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from durable_dsl.expressions import Expression, compile_expression, compile_template
from durable_dsl.graph import (
    Branch,
    Decision,
    Fail,
    Finish,
    Foreach,
    Group,
    Json,
    Loop,
    Node,
    Parallel,
    Step,
    Wait,
    conditions_of,
    templates_of,
    templates_of_awaited,
)
from durable_dsl.places import Path


@dataclass(frozen=True, slots=True)
class Field:
    """One expression, the path to its text below the node, and that text; `must_give` is the type it has to give."""

    keys: Path
    text: str
    expression: Expression
    must_give: type | None = None


def entry_fields(node: Node) -> Iterator[Field]:
    """Yields the expressions that are evaluated before a node's own work and its inner lists, or between turns."""
    if not isinstance(node, Loop):
        yield from _conditions(node)
    elif isinstance(node.when, str):
        yield _bare(node.when, "when", must_give=bool)
    yield from _template(node.timeout, "timeout")
    match node:
        case Step():
            for keys, value in templates_of(node.action):
                yield from _template(value, *keys)
            if node.retry.when is not None:
                yield _bare(node.retry.when, "retry", "when", must_give=bool)
        case Wait():
            for path, awaited in node.awaited():
                for keys, value in templates_of_awaited(awaited):
                    yield from _template(value, *path, *keys)
                if awaited.event is not None and awaited.event.where is not None:
                    yield _bare(awaited.event.where, *path, "where", must_give=bool)
            if node.on_timeout is not None:
                yield from _template(node.on_timeout.value, "on_timeout", "value")
        case Fail():
            yield from _template(node.message, "message")
            yield from _template(node.data, "data")
        case Decision() | Branch() | Foreach() | Loop() | Parallel() | Group() | Finish():
            pass
        case _:
            assert_never(node)


def compensation_fields(node: Node) -> Iterator[Field]:
    """Yields the expressions of what undoes a step, which see the data right after it."""
    if not isinstance(node, Step) or node.compensate is None:
        return
    for keys, value in templates_of(node.compensate.action):
        yield from _template(value, "compensate", *keys)
    yield from _template(node.compensate.timeout, "compensate", "timeout")
    if node.compensate.retry.when is not None:
        yield _bare(node.compensate.retry.when, "compensate", "retry", "when", must_give=bool)


def catch_fields(node: Node) -> Iterator[Field]:
    """Yields the conditions of a node's `catch`, which see what it has done before its error."""
    for index, row in enumerate(node.catch):
        if row.when is not None:
            yield _bare(row.when, "catch", index, "when", must_give=bool)


def turn_fields(node: Loop) -> Iterator[Field]:
    """Yields the expressions of a loop that see what its turns have done."""
    for keys, condition in conditions_of(node):
        if keys != ("when",) and isinstance(condition, str):
            yield _bare(condition, *keys, must_give=bool)
    yield from _template(node.every, "every")


def output_fields(output: Json, key: str = "output") -> Iterator[Field]:
    """Yields the expressions of an `output`, which see what the node has done."""
    yield from _template(output, key)


def _conditions(node: Node) -> Iterator[Field]:
    """Yields the conditions that are expressions; what a function reads of the data nobody knows."""
    for keys, condition in conditions_of(node):
        if isinstance(condition, str):
            yield _bare(condition, *keys, must_give={"match": None, "in": list}.get(str(keys[0]), bool))


def _bare(text: str, *keys: str | int, must_give: type | None = None) -> Field:
    return Field(keys, text, compile_expression(text), must_give)


def _template(value: Any, *keys: str) -> Iterator[Field]:
    template = compile_template(value)
    for path, expression in template.expressions:
        text = value
        for step in path:
            text = text[step]
        yield Field((*keys, *path), text, expression)
