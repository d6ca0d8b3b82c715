"""Constant expressions that cannot give what their field needs."""

from __future__ import annotations

from itertools import chain

from durable_dsl.checks.constants import VARIES, constant_value
from durable_dsl.checks.fields import catch_fields, compensation_fields, turn_fields
from durable_dsl.checks.networks import Flow
from durable_dsl.checks.sources import Sources
from durable_dsl.graph import Graph, Loop

_WORDS = {bool: "true or false", list: "a list"}


def check_types(graph: Graph, flow: Flow, sources: Sources) -> None:
    """Reports conditions that are always something else than a bool, and lists of a foreach that are none."""
    for node in graph.walk():
        turns = turn_fields(node) if isinstance(node, Loop) else ()
        for field in chain(flow.entry_fields(node), catch_fields(node), compensation_fields(node), turns):
            if field.must_give is None:
                continue
            value = constant_value(field.text)
            if value is VARIES or isinstance(value, field.must_give):
                continue
            sources.add(
                "W205",
                node.id,
                field.keys,
                f"'{field.keys[-1]}' must give {_WORDS[field.must_give]}, and this always gives {_named(value)}",
                hint="write a condition, such as data.total > 100" if field.must_give is bool else "write data.lines",
            )


def _named(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value}'"
        case list():
            return "a list"
        case _:
            return "a map"
